/// Keywords that look into arrays and objects.
extension SchemaEvaluation {
    mutating func applyToParts(_ frame: inout Frame) {
        switch frame.instance {
        case .array(let items):
            checkItems(items, &frame)
            applyItems(items, &frame)
            applyContains(items, &frame)
        case .object(let object):
            checkObject(object, &frame)
            applyProperties(object, &frame)
            applyDependencies(object, &frame)
        case .null, .bool, .number, .string: break
        }
    }

    // MARK: Arrays

    private func checkItems(_ items: [JSONValue], _ frame: inout Frame) {
        if let limit = frame.limit("maxItems"), items.count > limit {
            frame.fail("maxItems", "the array has \(items.count) items, more than \(limit)")
        }
        if let limit = frame.limit("minItems"), items.count < limit {
            frame.fail("minItems", "the array has \(items.count) items, fewer than \(limit)")
        }
        guard frame.schema["uniqueItems"] == .bool(true) else { return }
        var seen: [[UInt8]: Int] = [:]
        for (position, item) in items.enumerated() {
            if let first = seen.updateValue(position, forKey: item.identity) {
                return frame.fail("uniqueItems", "the items \(first) and \(position) are equal")
            }
        }
    }

    private mutating func applyItems(_ items: [JSONValue], _ frame: inout Frame) {
        let isNew = frame.node.draft == .draft2020
        let tuple = isNew ? frame.schema["prefixItems"]?.array : frame.schema["items"]?.array
        for (position, (schema, item)) in zip(tuple ?? [], items).enumerated() {
            require(schema, &frame, part: item, key: String(position))
        }
        if let tuple { frame.evaluated.leadingItems = max(frame.evaluated.leadingItems, min(tuple.count, items.count)) }
        let rest = isNew || tuple == nil ? frame.schema["items"] : frame.schema["additionalItems"]
        guard let rest, rest.array == nil else { return }
        for (position, item) in items.enumerated().dropFirst(tuple?.count ?? 0) {
            require(rest, &frame, part: item, key: String(position))
        }
        frame.evaluated.allItems = true
    }

    private mutating func applyContains(_ items: [JSONValue], _ frame: inout Frame) {
        guard let schema = frame.schema["contains"] else { return }
        var matches = 0
        for (position, item) in items.enumerated()
        where sub(schema, frame, to: item, at: frame.pointer + "/\(position)").isValid {
            matches += 1
            if frame.node.draft == .draft2020 { frame.evaluated.items.insert(position) }
        }
        let minimum = frame.node.draft == .draft7 ? 1 : frame.limit("minContains") ?? 1
        if matches < minimum {
            frame.fail("contains", "\(matches) items are of the wanted kind, fewer than \(minimum)")
        }
        if frame.node.draft != .draft7, let maximum = frame.limit("maxContains"), matches > maximum {
            frame.fail("maxContains", "\(matches) items are of the counted kind, more than \(maximum)")
        }
    }

    // MARK: Objects

    private func checkObject(_ object: JSONObject, _ frame: inout Frame) {
        if let limit = frame.limit("maxProperties"), object.count > limit {
            frame.fail("maxProperties", "the object has \(object.count) fields, more than \(limit)")
        }
        if let limit = frame.limit("minProperties"), object.count < limit {
            frame.fail("minProperties", "the object has \(object.count) fields, fewer than \(limit)")
        }
        for name in frame.schema["required"]?.array?.compactMap(\.string) ?? [] where object[name] == nil {
            frame.fail("required", "the field '\(name)' is missing")
        }
    }

    private mutating func applyProperties(_ object: JSONObject, _ frame: inout Frame) {
        var known: Set<String> = []
        if let properties = frame.schema["properties"]?.object {
            for (key, schema) in properties {
                guard let value = object[key] else { continue }
                known.insert(key)
                require(schema, &frame, part: value, key: key)
            }
        }
        if let properties = frame.schema["patternProperties"]?.object {
            for (source, schema) in properties {
                guard let pattern = try? patterns.pattern(source) else {
                    frame.fail("patternProperties", "the pattern '\(source)' cannot be read")
                    continue
                }
                for (key, value) in object where pattern.matches(key) {
                    known.insert(key)
                    require(schema, &frame, part: value, key: key)
                }
            }
        }
        applyAdditional(object, known: &known, &frame)
        frame.evaluated.properties.formUnion(known)
        if let schema = frame.schema["propertyNames"] {
            for key in object.keys { require(schema, &frame, part: .string(key), key: key) }
        }
    }

    private mutating func applyAdditional(_ object: JSONObject, known: inout Set<String>, _ frame: inout Frame) {
        guard let schema = frame.schema["additionalProperties"] else { return }
        let names = frame.schema["properties"]?.object?.keys ?? []
        for (key, value) in object where !known.contains(key) {
            known.insert(key)
            if schema == .bool(false) {
                let hint = Suggestion.hint(for: key, among: names).map { "; \($0)" } ?? ""
                frame.fail("additionalProperties", "the field '\(key)' is not known\(hint)")
            } else {
                require(schema, &frame, part: value, key: key)
            }
        }
    }

    private mutating func applyDependencies(_ object: JSONObject, _ frame: inout Frame) {
        let keywords =
            frame.node.draft == .draft7 ? ["dependencies"] : ["dependencies", "dependentRequired", "dependentSchemas"]
        for keyword in keywords {
            for (key, dependency) in frame.schema[keyword]?.object ?? JSONObject() where object[key] != nil {
                if let names = dependency.array?.compactMap(\.string) {
                    for name in names where object[name] == nil {
                        frame.fail(keyword, "the field '\(key)' needs the field '\(name)'")
                    }
                } else {
                    require(dependency, &frame)
                }
            }
        }
    }
}
