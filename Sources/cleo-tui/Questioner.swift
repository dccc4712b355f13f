import Engine

/// Asks what tools want to know, line by line, where there is no screen.
struct Questioner {
    /// Shows words and reads a line; nil at the end of the input.
    let read: (String) -> String?
    let say: (String) -> Void

    /// On standard error and standard input.
    static var onErrorOutput: Questioner {
        Questioner(
            read: { words in
                Console.err(words, terminator: "")
                return readLine()
            }, say: { Console.err($0) })
    }

    func ask(_ question: Question) -> QuestionReply {
        say("\(SafeText.oneLine(question.from)) asks: \(SafeText.block(question.message))")
        switch question.kind {
        case .answer:
            let text = read("your answer (empty declines): ") ?? ""
            return text.isEmpty ? QuestionReply(.decline) : QuestionReply(.accept, .string(text))
        case .form: return form(question.schema ?? [:])
        case .link:
            say(SafeText.oneLine(question.url ?? "", limit: 4_096))
            let text = read("Enter when you have been there, the address where it ended, or n: ")
            guard let text, !["n", "no"].contains(text.lowercased()) else { return QuestionReply(.decline) }
            return QuestionReply(.accept, text.isEmpty ? nil : .string(text))
        case .model, .confirm:
            let text = read("may it? [y/N] ") ?? ""
            return QuestionReply(["y", "yes"].contains(text.lowercased()) ? .accept : .decline)
        }
    }

    private func form(_ schema: JSONValue) -> QuestionReply {
        var values = JSONObject()
        let required = schema["required"]?.array?.compactMap(\.string) ?? []
        for (name, property) in schema["properties"]?.object ?? JSONObject() {
            let options = property["enum"]?.array?.map { $0.string ?? $0.text }.joined(separator: "|")
            let kind = options ?? property["type"]?.string ?? "json"
            let standard = property["default"].map { " = \($0.string ?? $0.text)" } ?? ""
            let mark = required.contains(name) ? "" : ", may be empty"
            guard let text = read("\(SafeText.oneLine(name)) (\(SafeText.oneLine(kind))\(standard)\(mark)): ") else {
                return QuestionReply(.cancel)
            }
            guard !text.isEmpty else { continue }
            let isText = property["type"]?.string == "string" || property["type"] == nil
            values[name] = isText ? .string(text) : (try? JSONParser.parse(text)) ?? .string(text)
        }
        let answer = read("send it? [Y/n] ") ?? "n"
        return ["", "y", "yes"].contains(answer.lowercased())
            ? QuestionReply(.accept, .object(values)) : QuestionReply(.decline)
    }
}
