/// One handler of a tools file, ready to be used.
package struct HandlerSpec: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        case http(HTTPHandlerSpec)
        case mcp(MCPHandlerSpec)
        case openapi(OpenAPIHandlerSpec)
        case mock(MockToolSpec)
        case exec(ExecToolSpec)
        case client(ClientToolSpec)
        case grpc(GRPCHandlerSpec)
        case builtIn(BuiltInSpec)
    }

    package var name: String
    package var kind: Kind
    /// For one call, in milliseconds.
    package var timeout: Int
    /// The name of the ToolRegistry that it comes from.
    package var registry: String?

    package init(name: String, kind: Kind, timeout: Int = HandlerSpec.defaultTimeout) {
        self.name = name
        self.kind = kind
        self.timeout = timeout
    }

    /// ToolRegistry's default of 30 s.
    package static let defaultTimeout = 30_000

    /// What proves to the handler's server who asks.
    package var credential: Credential? {
        switch kind {
        case .http(let spec): spec.credential
        case .mcp(let spec): spec.credential
        case .openapi(let spec): spec.credential
        case .grpc(let spec): spec.credential
        case .mock, .exec, .client, .builtIn: nil
        }
    }

    /// As the Tools pane names it.
    package var kindName: String {
        switch kind {
        case .http: "http"
        case .openapi: "openapi"
        case .mock: "mock"
        case .exec: "exec"
        case .client: "client"
        case .grpc: "grpc"
        case .builtIn: "built-in"
        case .mcp(let spec):
            switch spec.transport {
            case .stdio: "mcp/stdio"
            case .http: "mcp/http"
            case .sse: "mcp/sse"
            }
        }
    }
}

package struct HTTPHandlerSpec: Sendable, Equatable {
    package var tool: ToolDescriptor
    package var method: String
    package var url: String
    /// Whether the address was written as `urlTemplate`.
    package var isTemplate = false
    package var headers: [Header]
    package var contentType: String
    package var credential: Credential?
    package var queryParams: [String]
    /// The names of arguments that become headers, and the headers.
    package var headerParams: [Header]
    package var staticQuery: [Header]
    package var staticBody: JSONObject?
    /// Names of fields whose values the model never sees, wherever they stand.
    package var redact: [String]
    package var retry: RetryPolicy
    /// Makes the body from the arguments that are left.
    package var bodyMapping: JMESPath?
    /// Makes what the model is told from the answer.
    package var responseMapping: JMESPath?

    package init(
        tool: ToolDescriptor, method: String = "POST", url: String, headers: [Header] = [],
        contentType: String = "application/json", credential: Credential? = nil, queryParams: [String] = [],
        headerParams: [Header] = [], staticQuery: [Header] = [], staticBody: JSONObject? = nil,
        redact: [String] = [], retry: RetryPolicy = RetryPolicy()
    ) {
        self.tool = tool
        self.method = method
        self.url = url
        self.headers = headers
        self.contentType = contentType
        self.credential = credential
        self.queryParams = queryParams
        self.headerParams = headerParams
        self.staticQuery = staticQuery
        self.staticBody = staticBody
        self.redact = redact
        self.retry = retry
    }
}

package struct MCPHandlerSpec: Sendable, Equatable {
    package enum Transport: Sendable, Equatable {
        case stdio(ProcessCommand)
        /// Streamable HTTP, and HTTP with SSE where a server speaks only that.
        case http(url: String, headers: [Header])
        /// Only HTTP with SSE (2024-11-05).
        case sse(url: String, headers: [Header])
    }

    package var transport: Transport
    package var credential: Credential?
    /// When not empty, only these tools.
    package var allowlist: [String]
    package var blocklist: [String]
    /// For calls that did not reach the server; what a tool says is never asked for again.
    package var retry = RetryPolicy()

    package init(
        transport: Transport, credential: Credential? = nil, allowlist: [String] = [], blocklist: [String] = []
    ) {
        self.transport = transport
        self.credential = credential
        self.allowlist = allowlist
        self.blocklist = blocklist
    }

    package func offers(_ tool: String) -> Bool {
        allowlist.isEmpty ? !blocklist.contains(tool) : allowlist.contains(tool)
    }
}

/// A gRPC server with `omnia.tools.v1.ToolService`.
package struct GRPCHandlerSpec: Sendable, Equatable {
    /// What the connection is secured with; nil fields: the system's way.
    package struct TLS: Sendable, Equatable {
        package var caFile: String?
        package var certificateFile: String?
        package var keyFile: String?
        package var verifiesServer = true

        package init() {}
    }

    /// Nil: whatever the server lists.
    package var tool: ToolDescriptor?
    /// `HOST:PORT`.
    package var endpoint: String
    /// Nil: plain text.
    package var tls: TLS?
    package var metadata: [Header]
    package var credential: Credential?
    /// Its `retryOn` holds gRPC's status codes.
    package var retry: RetryPolicy

    package init(tool: ToolDescriptor?, endpoint: String, tls: TLS? = nil) {
        self.tool = tool
        self.endpoint = endpoint
        self.tls = tls
        metadata = []
        retry = RetryPolicy()
    }
}

/// A service that an OpenAPI document describes; each of its operations is a tool.
package struct OpenAPIHandlerSpec: Sendable, Equatable {
    /// An http or https address, or a file.
    package var document: String
    /// Takes the place of the document's servers.
    package var baseURL: String?
    /// Ids of the operations that become tools; empty: all.
    package var operations: [String]
    package var headers: [Header]
    /// For whatever scheme an operation asks for.
    package var credential: Credential?
    /// By the scheme's name in the document.
    package var credentials: [String: Secret]
    package var redact: [String]
    package var retry: RetryPolicy

    package init(document: String, baseURL: String? = nil, operations: [String] = []) {
        self.document = document
        self.baseURL = baseURL
        self.operations = operations
        headers = []
        credentials = [:]
        redact = []
        retry = RetryPolicy()
    }
}

/// A tool whose answer stands in its file.
package struct MockToolSpec: Sendable, Equatable {
    package var tool: ToolDescriptor
    /// The answer; nil where a template makes it.
    package var result: JSONValue?
    package var template: GoTemplate?

    package init(tool: ToolDescriptor, result: JSONValue?, template: GoTemplate?) {
        self.tool = tool
        self.result = result
        self.template = template
    }
}

/// A tool that the person answers.
package struct ClientToolSpec: Sendable, Equatable {
    package var tool: ToolDescriptor
    /// What the person is told.
    package var message: String?
    /// What it touches: `location`, `camera`.
    package var categories: [String]

    package init(tool: ToolDescriptor, message: String?, categories: [String] = []) {
        self.tool = tool
        self.message = message
        self.categories = categories
    }
}

/// A tool that a program answers.
package struct ExecToolSpec: Sendable, Equatable {
    package var tool: ToolDescriptor
    /// The program and its arguments.
    package var arguments: [String]
    /// Names of environment variables that it gets, and that have to be set.
    package var variables: [String]

    package init(tool: ToolDescriptor, arguments: [String], variables: [String]) {
        self.tool = tool
        self.arguments = arguments
        self.variables = variables
    }
}

/// What proves to a server who asks.
package struct Credential: Sendable, Equatable {
    package enum Scheme: String, Sendable, Equatable { case bearer, basic }

    package var scheme: Scheme
    package var source: KeySource

    package init(scheme: Scheme, source: KeySource) {
        self.scheme = scheme
        self.source = source
    }
}

package struct RetryPolicy: Sendable, Equatable {
    package var maxAttempts = 1
    package var initialBackoff = 100
    package var multiplier = 2.0
    package var maxBackoff = 30_000
    /// HTTP's status codes, or gRPC's.
    package var retryOn = [408, 429, 500, 502, 503, 504]
    package var retryOnNetworkError = true
    package var respectRetryAfter = true

    package init() {}
}
