import Engine
import EngineSystem
import Glibc
import Support
import Synchronization
import Testing

@Suite struct TransportTests {
    private let transport = CurlTransport()

    private func get(_ url: String, change: (inout HTTPRequest) -> Void = { _ in }) async throws(EngineError) -> (
        HTTPResponse, [UInt8]
    ) {
        var request = HTTPRequest(url: url)
        change(&request)
        let response = try await transport.send(request)
        return (response, try await response.body.collect(limit: 64 << 20))
    }

    private func code(_ body: () async throws(EngineError) -> Void) async -> EngineError.Code? {
        do throws(EngineError) {
            try await body()
            return nil
        } catch {
            return error.code
        }
    }

    @Test func anExchangeGoesThere_AndBack() async throws {
        let server = try LoopbackHTTPServer { request in
            let headers = request.headers.filter { $0.name.hasPrefix("x-") }.map { ($0.name, $0.value) }
            return LoopbackResponse(
                status: 201, headers: headers,
                body: Array((request.method + " " + request.target + " ").utf8) + request.body)
        }
        defer { server.stop() }
        let (response, body) = try await get(server.url + "/a?b=c") { request in
            request.method = "PUT"
            request.headers = [("X-One", "1"), ("X-Empty", "")]
            request.body = Array("hello".utf8)
        }
        #expect(response.status == 201)
        #expect(response.header("x-one") == "1")
        #expect(String(decoding: body, as: UTF8.self) == "PUT /a?b=c hello")
    }

    @Test func redirectsAreNotFollowed() async throws {
        let server = try LoopbackHTTPServer { _ in
            LoopbackResponse(status: 302, headers: [("Location", "file:///etc/passwd")])
        }
        defer { server.stop() }
        #expect(try await get(server.url).0.status == 302)
        #expect(await code { () async throws(EngineError) in _ = try await get("file:///etc/passwd") } == .invalidInput)
    }

    @Test func aPortWhereNobodyListensIsUnreachable() async throws {
        let server = try LoopbackHTTPServer { _ in LoopbackResponse() }
        let url = server.url
        server.stop()
        _ = await eventually { await code { () async throws(EngineError) in _ = try await get(url) } == .unreachable }
        #expect(await code { () async throws(EngineError) in _ = try await get(url) } == .unreachable)
    }

    @Test func everyWaitHasItsEnd() async throws {
        let release = Signalled()
        let server = try LoopbackHTTPServer { request in
            guard request.target == "/slow-body" else {
                release.wait()
                return LoopbackResponse()
            }
            return LoopbackResponse(stream: { write in
                _ = write(Array("begin".utf8))
                release.wait()
            })
        }
        defer {
            release.open()
            server.stop()
        }
        #expect(
            await code { () async throws(EngineError) in _ = try await get(server.url) { $0.firstByteMilliseconds = 50 }
            } == .timedOut)
        #expect(
            await code { () async throws(EngineError) in
                _ = try await get(server.url + "/slow-body") { $0.idleMilliseconds = 50 }
            } == .timedOut)
        #expect(
            await code { () async throws(EngineError) in
                _ = try await get(server.url + "/slow-body") { $0.totalMilliseconds = 80 }
            } == .timedOut)
    }

    @Test func aBodyBeyondItsLimitIsAnError() async throws {
        let server = try LoopbackHTTPServer { _ in LoopbackResponse(body: [UInt8](repeating: 65, count: 100_000)) }
        defer { server.stop() }
        #expect(
            await code { () async throws(EngineError) in _ = try await get(server.url) { $0.bodyLimit = 99_999 } }
                == .tooLarge)
        #expect(
            await code { () async throws(EngineError) in _ = try await get(server.url) { $0.bodyLimit = 100_000 } }
                == nil)
    }

    @Test func cancellingClosesTheConnection() async throws {
        let gone = Signalled()
        let server = try LoopbackHTTPServer { _ in
            LoopbackResponse(stream: { write in
                while write(Array("tick ".utf8)) {}
                gone.open()
            })
        }
        defer { server.stop() }
        let url = server.url
        let task = Task { try await transport.send(HTTPRequest(url: url)).body.next() }
        _ = try await task.value
        // The body was dropped with the task, so the server's writes fail.
        #expect(await eventually { gone.isOpen })
    }

    @Test func aReaderThatIsSlowHoldsTheSenderBack() async throws {
        let sent = Mutex(0)
        let server = try LoopbackHTTPServer { _ in
            LoopbackResponse(stream: { write in
                let piece = [UInt8](repeating: 66, count: 65_536)
                for _ in 0..<320 {
                    guard write(piece) else { return }
                    sent.withLock { $0 += piece.count }
                }
            })
        }
        defer { server.stop() }
        let response = try await transport.send(HTTPRequest(url: server.url))
        try await Task.sleep(for: .milliseconds(300))
        let before = sent.withLock { $0 }
        #expect(before < 16 << 20, "20 MiB were taken although nobody read")
        let body = try await response.body.collect(limit: 64 << 20)
        #expect(body.count == 320 * 65_536)
    }
}

/// A gate between a test and a server's thread.
final class Signalled: Sendable {
    private let state = Mutex(false)
    var isOpen: Bool { state.withLock { $0 } }
    func open() { state.withLock { $0 = true } }
    func wait() {
        for _ in 0..<2_000 where !isOpen { usleep(5_000) }
    }
}
