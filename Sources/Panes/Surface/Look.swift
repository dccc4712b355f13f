package import Engine

/// What drawing needs besides the state: widths, Markdown, the time.
package struct Look {
    package let metrics: TextMetrics
    package let markdown: any MarkdownParser
    /// Now; running things show how long they run.
    package var now: Timestamp

    package init(metrics: TextMetrics, markdown: any MarkdownParser, now: Timestamp) {
        self.metrics = metrics
        self.markdown = markdown
        self.now = now
    }

    /// A character that turns while something runs.
    var spinner: String {
        let frames = Array("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
        return String(frames[now.milliseconds / 100 % frames.count])
    }
}
