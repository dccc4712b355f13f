import CYAML
import Engine

/// Turns libyaml's events into nodes.
struct YAMLComposer {
    struct Composed {
        var root: YAMLNode?
        /// Where a second document begins.
        var second: Place?
    }

    private struct Open {
        let node: YAMLNode
        /// The key that waits for its value.
        var key: YAMLNode?
    }

    private var open: [Open] = []
    private var anchors: [String: YAMLNode] = [:]
    private var result = Composed()
    private var documents = 0

    static func compose(_ bytes: [UInt8]) throws(YAMLProblem) -> Composed {
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        defer { parser.deallocate() }
        guard yaml_parser_initialize(parser) == 1 else {
            throw YAMLProblem("there is no memory to read the file", Place(line: 1, column: 1))
        }
        defer { yaml_parser_delete(parser) }
        var composer = YAMLComposer()
        // The buffer has to outlive the parser's last event, hence a copy with an address of its own.
        let input = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(bytes.count, 1))
        defer { input.deallocate() }
        _ = input.initialize(from: bytes)
        yaml_parser_set_input_string(parser, input.baseAddress, bytes.count)
        for _ in 0..<YAMLLimit.events {
            var event = yaml_event_t()
            guard yaml_parser_parse(parser, &event) == 1 else { throw problem(of: parser.pointee) }
            defer { yaml_event_delete(&event) }
            if event.type == YAML_STREAM_END_EVENT { return composer.result }
            try composer.take(event)
            if composer.result.second != nil { return composer.result }
        }
        throw YAMLProblem("the file has more than \(YAMLLimit.events) nodes", Place(line: 1, column: 1))
    }

    private static func problem(of parser: yaml_parser_t) -> YAMLProblem {
        let words = parser.problem.map { String(cString: $0) } ?? "the text is not YAML"
        let context = parser.context.map { " (" + String(cString: $0) + ")" } ?? ""
        return YAMLProblem(words + context, place(parser.problem_mark))
    }

    private static func place(_ mark: yaml_mark_t) -> Place {
        Place(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }

    private static func text(_ pointer: UnsafeMutablePointer<UInt8>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    private mutating func take(_ event: yaml_event_t) throws(YAMLProblem) {
        let place = Self.place(event.start_mark)
        switch event.type {
        case YAML_DOCUMENT_START_EVENT:
            documents += 1
            if documents > 1 { result.second = place }
        case YAML_ALIAS_EVENT: try alias(Self.text(event.data.alias.anchor) ?? "", place)
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let text = String(
                decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            let isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE
            let node = YAMLNode(.scalar(text, isPlain: isPlain), place, tag: Self.text(scalar.tag))
            name(node, scalar.anchor)
            put(node)
        case YAML_SEQUENCE_START_EVENT:
            let start = event.data.sequence_start
            try begin(YAMLNode(.sequence, place, tag: Self.text(start.tag)), start.anchor)
        case YAML_MAPPING_START_EVENT:
            let start = event.data.mapping_start
            try begin(YAMLNode(.mapping, place, tag: Self.text(start.tag)), start.anchor)
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: put(open.removeLast().node)
        default: break
        }
    }

    private mutating func name(_ node: YAMLNode, _ anchor: UnsafeMutablePointer<UInt8>?) {
        if let anchor = Self.text(anchor) { anchors[anchor] = node }
    }

    private mutating func begin(_ node: YAMLNode, _ anchor: UnsafeMutablePointer<UInt8>?) throws(YAMLProblem) {
        name(node, anchor)
        open.append(Open(node: node))
        guard open.count <= YAMLLimit.depth else {
            throw YAMLProblem("nested deeper than \(YAMLLimit.depth) levels", node.place)
        }
    }

    private mutating func alias(_ anchor: String, _ place: Place) throws(YAMLProblem) {
        guard let target = anchors[anchor] else { throw YAMLProblem("there is no anchor '&\(anchor)'", place) }
        guard !open.contains(where: { $0.node === target }) else {
            throw YAMLProblem("the alias '*\(anchor)' contains itself", place)
        }
        put(target)
    }

    private mutating func put(_ node: YAMLNode) {
        guard let last = open.indices.last else {
            result.root = node
            return
        }
        switch open[last].node.kind {
        case .mapping:
            if let key = open[last].key {
                open[last].node.pairs.append((key, node))
                open[last].key = nil
            } else {
                open[last].key = node
            }
        default: open[last].node.items.append(node)
        }
    }
}
