/// Reads CommonMark with GitHub's tables, strikethrough, task lists and bare links.
package protocol MarkdownParser: Sendable {
    /// - Returns: the blocks, each with the line of the text (from 1) on which it begins.
    func parse(_ text: String) -> [(line: Int, block: MarkdownBlock)]
}

package indirect enum MarkdownBlock: Sendable, Equatable {
    case paragraph([MarkdownInline])
    case heading(level: Int, [MarkdownInline])
    /// - Parameter start: the first number; nil for bullets.
    case list(start: Int?, [MarkdownItem])
    case quote([MarkdownBlock])
    case code(language: String, text: String)
    /// The first row is the head.
    case table([[[MarkdownInline]]])
    case rule
    /// HTML is shown as it is written.
    case html(String)
}

package struct MarkdownItem: Sendable, Equatable {
    /// For a task: whether it is done.
    package var task: Bool?
    package var blocks: [MarkdownBlock]

    package init(task: Bool?, blocks: [MarkdownBlock]) {
        self.task = task
        self.blocks = blocks
    }
}

package enum MarkdownInline: Sendable, Equatable {
    case text(String)
    case code(String)
    case lineBreak
    indirect case emphasis([MarkdownInline])
    indirect case strong([MarkdownInline])
    indirect case strike([MarkdownInline])
    indirect case link(url: String, [MarkdownInline])
}
