import Engine
import EngineSystem
import Support
import Testing

@Suite struct JMESPathTests {
    /// Every case of the compliance suite.
    @Test(.enabled(if: hasShared)) func theComplianceSuite() throws {
        let files = DiskFiles(root: sharedFolder + "/upstream/jmespath.test/tests")
        var cases = 0
        for name in files.list(".") where name.hasSuffix(".json") {
            let groups = try #require(try JSONParser.parse(files.read(name)).array)
            for group in groups {
                for one in group["cases"]?.array ?? [] {
                    cases += 1
                    check(one, group["given"] ?? .null, name)
                }
            }
        }
        #expect(cases > 800)
    }

    private func check(_ one: JSONValue, _ given: JSONValue, _ file: String) {
        let expression = one["expression"]?.string ?? ""
        let outcome: Result<JSONValue, JMESPathError>
        do throws(JMESPathError) {
            outcome = .success(try JMESPath(expression).search(given))
        } catch {
            outcome = .failure(error)
        }
        switch outcome {
        case .success(let value):
            if let error = one["error"] {
                Issue.record("\(file): \(expression) gives \(value.text), and should fail: \(error.text)")
            } else if let result = one["result"] {
                #expect(value.isSame(as: result), "\(file): \(expression) gives \(value.text), not \(result.text)")
            }
        case .failure(let error):
            guard let expected = one["error"]?.string else {
                Issue.record("\(file): \(expression) fails: \(error)")
                return
            }
            #expect(error.kind.rawValue == expected, "\(file): \(expression): \(error)")
        }
    }

    @Test func whatIsTooMuchIsRefused() {
        let deep = String(repeating: "[", count: 5_000) + "a" + String(repeating: "]", count: 5_000)
        #expect(throws: JMESPathError.self) { try JMESPath(deep) }
        let long = "a" + String(repeating: ".a", count: 5_000)
        #expect(throws: JMESPathError.self) { try JMESPath(long) }
        let items = JSONValue.array((0..<200).map { .int($0) })
        let nested = "@[].[$][].[$][].[$]".replacing("$", with: "length(@[?`true`]) || `1`")
        _ = try? JMESPath(nested).search(items)
        #expect(throws: JMESPathError.self) {
            // Each item looks through all of them, and each of those again.
            try JMESPath("map(&length(map(&length(map(&@, `\(items.text)`)), `\(items.text)`)), `\(items.text)`)")
                .search(.null)
        }
    }
}
