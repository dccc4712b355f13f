package struct JMESPathError: Error { var message = "" }
package struct JMESPath: Sendable {
    init(_ t: String) throws(JMESPathError) {}; func search(_ v: JSONValue) throws(JMESPathError) -> JSONValue { v }
}
