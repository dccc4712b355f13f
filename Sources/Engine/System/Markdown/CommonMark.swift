import CMarkdown
package import Engine

/// Markdown over cmark-gfm.
package struct CommonMark: MarkdownParser {
    /// Deeper nesting is shown flat.
    private static let depthLimit = 24

    package init() {}

    package func parse(_ text: String) -> [(line: Int, block: MarkdownBlock)] {
        var text = text
        let document = text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { cmd_parse($0.baseAddress, $0.count) }
        }
        guard let document else { return [] }
        defer { cmd_free(document) }
        var result: [(line: Int, block: MarkdownBlock)] = []
        for node in Self.children(document) {
            for block in Self.blocks(node, depth: 0) { result.append((Int(cmd_start_line(node)), block)) }
        }
        return result
    }

    private static func children(_ node: OpaquePointer) -> [OpaquePointer] {
        var result: [OpaquePointer] = []
        var next = cmd_first_child(node)
        while let child = next {
            result.append(child)
            next = cmd_next(child)
        }
        return result
    }

    private static func literal(_ node: OpaquePointer) -> String { cmd_literal(node).map { String(cString: $0) } ?? "" }

    private static func blocks(_ node: OpaquePointer, depth: Int) -> [MarkdownBlock] {
        guard depth < depthLimit else { return [.paragraph([.text("…")])] }
        func inner() -> [MarkdownBlock] { children(node).flatMap { blocks($0, depth: depth + 1) } }
        switch cmd_kind(node) {
        case CMD_PARAGRAPH: return [.paragraph(inlines(node, depth: depth))]
        case CMD_HEADING: return [.heading(level: Int(cmd_heading_level(node)), inlines(node, depth: depth))]
        case CMD_QUOTE: return [.quote(inner())]
        case CMD_CODE_BLOCK:
            let language = cmd_fence_info(node).map { String(cString: $0) } ?? ""
            return [.code(language: String(language.prefix { $0 != " " }), text: literal(node))]
        case CMD_HTML_BLOCK: return [.html(literal(node))]
        case CMD_RULE: return [.rule]
        case CMD_LIST:
            let start = Int(cmd_list_start(node))
            let items = children(node).map { item in
                let task = cmd_task(item)
                return MarkdownItem(
                    task: task < 0 ? nil : task == 1,
                    blocks: children(item).flatMap { blocks($0, depth: depth + 1) })
            }
            return [.list(start: start == 0 ? nil : start, items)]
        case CMD_TABLE:
            return [.table(children(node).map { row in children(row).map { inlines($0, depth: depth) } })]
        default: return inner()
        }
    }

    private static func inlines(_ node: OpaquePointer, depth: Int) -> [MarkdownInline] {
        guard depth < depthLimit else { return [.text("…")] }
        return children(node).map { child in
            func inner() -> [MarkdownInline] { inlines(child, depth: depth + 1) }
            switch cmd_kind(child) {
            case CMD_CODE: return .code(literal(child))
            case CMD_SOFT_BREAK: return .text(" ")
            case CMD_HARD_BREAK: return .lineBreak
            case CMD_EMPHASIS: return .emphasis(inner())
            case CMD_STRONG: return .strong(inner())
            case CMD_STRIKE: return .strike(inner())
            case CMD_LINK, CMD_IMAGE: return .link(url: cmd_url(child).map { String(cString: $0) } ?? "", inner())
            default: return .text(literal(child))
            }
        }
    }
}
