import Engine
import Support
import Testing

/// Parts of MCP that need no server.
@Suite struct MCPPartsTests {
    @Test(
        arguments: [
            (#"Bearer"#, nil, nil), (#"Bearer realm="x", scope="a b""#, nil, "a b"),
            (
                #"Basic realm="a, Bearer b", Bearer error="invalid_token", resource_metadata="https://h/a?b=\"c\"""#,
                #"https://h/a?b="c""#, nil
            ),
            (#"bearer scope = "read", DPoP algs="ES256""#, nil, "read"),
            (#"Bearer resource_metadata=https://h/x"#, "https://h/x", nil),
        ] as [(String, String?, String?)]) func challengesAreRead(_ text: String, _ metadata: String?, _ scope: String?)
        throws
    {
        let challenge = try #require(OAuthChallenge([("WWW-Authenticate", text)]))
        #expect(challenge.resourceMetadata == metadata)
        #expect(challenge.scope == scope)
    }

    @Test(arguments: ["Basic realm=x", "", ",", #"Negotiate "Bearer""#]) func otherSchemesAreNoChallenge(_ text: String)
    {
        #expect(OAuthChallenge([("WWW-Authenticate", text)]) == nil)
    }

    @Test(
        arguments: [
            (#"{"properties": {"a": {"type": "string", "x-mcp-header": "Region"}}}"#, nil),
            (#"{"properties": {"a": {"properties": {"b": {"type": "integer", "x-mcp-header": "B"}}}}}"#, nil),
            (#"{"properties": {"a": {"type": "string", "default": {"x-mcp-header": ""}}}}"#, nil),
            (#"{"properties": {"a": {"type": "string", "x-mcp-header": ""}}}"#, "no header name"),
            (#"{"properties": {"a": {"type": "string", "x-mcp-header": "a b"}}}"#, "no header name"),
            (#"{"properties": {"a": {"type": "number", "x-mcp-header": "A"}}}"#, "strings, integers and booleans"),
            (#"{"properties": {"a": {"items": {"type": "string", "x-mcp-header": "A"}}}}"#, "no single argument"),
            (
                #"{"properties": {"a": {"type": "string", "x-mcp-header": "A"}, "b": {"type": "string", "x-mcp-header": "a"}}}"#,
                "there twice"
            ),
        ] as [(String, String?)]) func headersOfArgumentsAreChecked(_ schema: String, _ words: String?) throws
    {
        let found = MCPContent.headerObjection(try JSONParser.parse(schema))
        #expect(words.map { found?.contains($0) == true } ?? (found == nil), "\(found ?? "")")
    }

    @Test(arguments: [
        ("file:///{path}", "file:///a%2Fb"), ("file:///{+path}", "file:///a/b"), ("x://h{/path}", "x://h/a%2Fb"),
        ("x://h{?path,q}", "x://h?path=a%2Fb&q=1"), ("x://h?z=1{&q}", "x://h?z=1&q=1"), ("x://{none}h", "x://h"),
        ("x://{q,path}", "x://1,a%2Fb"), ("x://h{#path}", "x://h#a/b"), ("x://plain", "x://plain"),
        ("x://{q", "x://{q"),
    ]) func templatesAreFilled(_ template: String, _ text: String) {
        let resource = ResourceSummary(uri: template, name: "n", description: "", mediaType: nil, isTemplate: true)
        #expect(resource.expanded(["path": "a/b", "q": "1"]) == text)
    }

    @Test func whatIsEscapedIsRead() {
        #expect(Encodings.unescaped("a+b%20%C3%A9%2") == "a b é%2")
        #expect(Encodings.unescaped("a+b%20", plusIsSpace: false) == "a+b ")
    }
}
