/// How OpenAPI writes values into addresses, headers and forms (OAI/OpenAPI-Specification, "Style Values").
package struct ParameterStyle: Sendable, Equatable {
    package enum Place: String, Sendable { case path, query, header, cookie }

    package var style: String
    package var explode: Bool
    package var allowsReserved: Bool

    package init(style: String, explode: Bool, allowsReserved: Bool = false) {
        self.style = style
        self.explode = explode
        self.allowsReserved = allowsReserved
    }

    static func standard(_ place: Place) -> ParameterStyle {
        switch place {
        case .path, .header: ParameterStyle(style: "simple", explode: false)
        case .query, .cookie: ParameterStyle(style: "form", explode: true)
        }
    }

    /// The text that stands for a value.
    /// - Returns: nil for a value that this style has no form for.
    package func text(_ name: String, _ value: JSONValue, _ place: Place) -> String? {
        switch value {
        case .array(let items):
            let texts = items.filter { !$0.isNull }.map { encoded($0, place) }
            return list(name, texts, place)
        case .object(let object):
            let pairs = object.filter { !$1.isNull }.map { (encodedName($0, place), encoded($1, place)) }
            return self.object(name, pairs, place)
        case .null, .bool, .number, .string: return single(name, encoded(value, place), place)
        }
    }

    private func single(_ name: String, _ text: String, _ place: Place) -> String? {
        switch style {
        case "simple": text
        case "label": "." + text
        case "matrix": ";" + encodedName(name, place) + (text.isEmpty ? "" : "=" + text)
        case "form", "spaceDelimited", "pipeDelimited", "cookie": encodedName(name, place) + "=" + text
        default: nil
        }
    }

    private func list(_ name: String, _ texts: [String], _ place: Place) -> String? {
        let key = encodedName(name, place)
        switch style {
        case "simple": return texts.joined(separator: ",")
        case "label": return texts.isEmpty ? "" : "." + texts.joined(separator: explode ? "." : ",")
        case "matrix":
            if texts.isEmpty { return "" }
            return explode
                ? texts.map { ";\(key)" + ($0.isEmpty ? "" : "=\($0)") }.joined()
                : ";\(key)=" + texts.joined(separator: ",")
        case "form" where explode, "cookie" where explode, "spaceDelimited" where explode,
            "pipeDelimited" where explode:
            return texts.map { "\(key)=\($0)" }.joined(separator: style == "cookie" ? "; " : "&")
        case "form", "cookie": return texts.isEmpty ? "" : "\(key)=" + texts.joined(separator: ",")
        case "spaceDelimited": return texts.isEmpty ? "" : "\(key)=" + texts.joined(separator: "%20")
        case "pipeDelimited": return texts.isEmpty ? "" : "\(key)=" + texts.joined(separator: "%7C")
        case "deepObject": return texts.map { "\(key)=\($0)" }.joined(separator: "&")
        default: return nil
        }
    }

    private func object(_ name: String, _ pairs: [(String, String)], _ place: Place) -> String? {
        let key = encodedName(name, place)
        let flat = pairs.flatMap { [$0.0, $0.1] }
        let assigned = pairs.map { "\($0.0)=\($0.1)" }
        switch style {
        case "simple": return (explode ? assigned : flat).joined(separator: ",")
        case "label":
            return pairs.isEmpty ? "" : "." + (explode ? assigned.joined(separator: ".") : flat.joined(separator: ","))
        case "matrix":
            if pairs.isEmpty { return "" }
            return explode ? assigned.map { ";" + $0 }.joined() : ";\(key)=" + flat.joined(separator: ",")
        case "form" where explode, "cookie" where explode:
            return assigned.joined(separator: style == "cookie" ? "; " : "&")
        case "form", "cookie": return pairs.isEmpty ? "" : "\(key)=" + flat.joined(separator: ",")
        case "spaceDelimited" where !explode: return pairs.isEmpty ? "" : "\(key)=" + flat.joined(separator: "%20")
        case "pipeDelimited" where !explode: return pairs.isEmpty ? "" : "\(key)=" + flat.joined(separator: "%7C")
        case "deepObject": return pairs.map { "\(key)%5B\($0.0)%5D=\($0.1)" }.joined(separator: "&")
        default: return nil
        }
    }

    private func encodedName(_ name: String, _ place: Place) -> String {
        place == .header || style == "cookie" ? name : Encodings.percent(name)
    }

    private func encoded(_ value: JSONValue, _ place: Place) -> String {
        let text = value.string ?? value.text
        if place == .header || style == "cookie" { return text }
        guard allowsReserved else { return Encodings.percent(text) }
        // Reserved characters pass, and what is encoded already; never what would end a path.
        let kept: Set<Character> = place == .path ? Set(":@!$&'()*+,;=[]") : Set(":/?@!$&'()*+,;=[]")
        return text.map { kept.contains($0) ? String($0) : Encodings.percent(String($0)) }.joined()
    }
}
