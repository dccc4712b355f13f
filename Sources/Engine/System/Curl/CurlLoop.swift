import CCurl
import Engine
import Glibc
import Synchronization

/// The thread that runs every transfer.
///
/// Concurrency: other threads only put commands into `commands` and wake the thread; `live` and every curl handle
/// belong to the thread, hence `@unchecked`.
final class CurlLoop: @unchecked Sendable {
    private enum Command {
        case start(CurlTransfer), cancel(CurlTransfer), resume(CurlTransfer), abandon(CurlTransfer)
    }

    /// One is enough: it keeps connections, and a second thread would only compete for the same two cores.
    static let shared = CurlLoop()

    private let multi: UnsafeMutableRawPointer
    private let commands = Mutex<[Command]>([])
    private var live: [UnsafeMutableRawPointer: CurlTransfer] = [:]

    private init() {
        curl_global_init(Int(CURL_GLOBAL_DEFAULT))
        guard let multi = curl_multi_init() else { preconditionFailure("curl_multi_init, no memory") }
        self.multi = multi
        cc_multi_set_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_MULTIPLEX))
        cc_multi_set_long(multi, CURLMOPT_MAXCONNECTS, 32)
        WorkerThread.start { self.run() }
    }

    func start(_ transfer: CurlTransfer) { post(.start(transfer)) }
    func cancel(_ transfer: CurlTransfer) { post(.cancel(transfer)) }
    func resume(_ transfer: CurlTransfer) { post(.resume(transfer)) }
    func abandon(_ transfer: CurlTransfer) { post(.abandon(transfer)) }

    private func post(_ command: Command) {
        let isFirst = commands.withLock { waiting in
            waiting.append(command)
            return waiting.count == 1
        }
        if isFirst { curl_multi_wakeup(multi) }
    }

    /// What an answer may still bring after its last word.
    private static let abandonedBytes = 64 << 10
    private static let abandonedMilliseconds = 1_000

    // MARK: The thread

    private static func now() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000 + time.tv_nsec / 1_000_000
    }

    private func run() {
        var running: Int32 = 0
        while true {
            let todo = commands.withLock { waiting in
                defer { waiting = [] }
                return waiting
            }
            for command in todo { carryOut(command) }
            curl_multi_perform(multi, &running)
            collect()
            let wait = enforceTimeouts()
            var ready: Int32 = 0
            curl_multi_poll(multi, nil, 0, wait, &ready)
        }
    }

    private func carryOut(_ command: Command) {
        switch command {
        case .start(let transfer): begin(transfer)
        case .cancel(let transfer):
            let error = EngineError(.cancelled, "cancelled")
            if transfer.handle != nil { remove(transfer) } else { transfer.failure = error }
            transfer.finish(.failure(error))
        case .abandon(let transfer):
            guard let handle = transfer.handle else { return }
            transfer.abandonedLeft = Self.abandonedBytes
            transfer.abandonedUntil = Self.now() + Self.abandonedMilliseconds
            // It may have been held back since.
            transfer.restartIdle(Self.now())
            curl_easy_pause(handle, CC_PAUSE_CONTINUE)
        case .resume(let transfer):
            guard let handle = transfer.handle else { return }
            transfer.restartIdle(Self.now())
            curl_easy_pause(handle, CC_PAUSE_CONTINUE)
        }
    }

    private func collect() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let handle = message.pointee.easy_handle,
                let transfer = live[handle]
            else { continue }
            let code = cc_message_result(message)
            let words = String(
                cString: transfer.errorText[0] == 0 ? curl_easy_strerror(code) : UnsafePointer(transfer.errorText))
            remove(transfer)
            if let failure = transfer.failure {
                transfer.finish(.failure(failure))
            } else if code == CURLE_OK {
                transfer.finish(.success(()))
            } else {
                transfer.finish(
                    .failure(
                        CurlWords.error(code, words, origin: transfer.origin, url: transfer.request.url)))
            }
        }
    }

    /// - Returns: milliseconds until the next timeout can be due.
    private func enforceTimeouts() -> Int32 {
        let now = Self.now()
        var wait = 60_000
        for transfer in Array(live.values) {
            if transfer.abandonedLeft != nil {
                if now >= transfer.abandonedUntil {
                    remove(transfer)
                } else {
                    wait = min(wait, transfer.abandonedUntil - now)
                }
                continue
            }
            if transfer.isHeldBack { continue }
            let request = transfer.request
            let (limit, since, what) =
                transfer.hasHead
                ? (request.idleMilliseconds, transfer.lastByte, "sent nothing more for")
                : (request.firstByteMilliseconds, transfer.started, "gave no answer within")
            guard limit > 0 else { continue }
            let left = limit - (now - since)
            if left <= 0 {
                remove(transfer)
                transfer.finish(
                    .failure(EngineError(.timedOut, "\(transfer.origin) \(what) \(DurationText.text(limit))")))
            } else {
                wait = min(wait, left)
            }
        }
        return Int32(wait)
    }

    private func remove(_ transfer: CurlTransfer) {
        guard let handle = transfer.handle else { return }
        curl_multi_remove_handle(multi, handle)
        live[handle] = nil
        transfer.handle = nil
        curl_easy_cleanup(handle)
        curl_slist_free_all(transfer.headerList)
        transfer.headerList = nil
    }

    private func begin(_ transfer: CurlTransfer) {
        guard transfer.failure == nil else { return }
        guard let handle = curl_easy_init() else {
            return transfer.finish(.failure(EngineError(.internal, "there is no memory for a request")))
        }
        transfer.handle = handle
        live[handle] = transfer
        transfer.started = Self.now()
        CurlOptions.apply(transfer, to: handle)
        if curl_multi_add_handle(multi, handle) != CURLM_OK {
            remove(transfer)
            transfer.finish(.failure(EngineError(.internal, "curl takes no more requests")))
        }
    }

    static func milliseconds() -> Int { now() }
}

enum CurlOptions {
    static func apply(_ transfer: CurlTransfer, to handle: UnsafeMutableRawPointer) {
        let request = transfer.request
        cc_set_string(handle, CURLOPT_URL, request.url)
        cc_set_string(handle, CURLOPT_PROTOCOLS_STR, "http,https")
        cc_set_long(handle, CURLOPT_NOSIGNAL, 1)
        cc_set_long(handle, CURLOPT_FOLLOWLOCATION, 0)
        cc_set_long(handle, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        cc_set_long(handle, CURLOPT_CONNECTTIMEOUT_MS, request.connectMilliseconds)
        if request.totalMilliseconds > 0 { cc_set_long(handle, CURLOPT_TIMEOUT_MS, request.totalMilliseconds) }
        let network = transfer.network
        version(request, network, handle)
        reach(network, handle)
        if request.acceptsCompression { cc_set_string(handle, CURLOPT_ACCEPT_ENCODING, "") }
        cc_set_pointer(handle, CURLOPT_ERRORBUFFER, transfer.errorText)
        headersAndBody(transfer, handle)
        callbacks(transfer, handle)
    }

    /// How others are reached: proxies and certificates.
    static func reach(_ network: NetworkSettings, _ handle: UnsafeMutableRawPointer) {
        if let proxy = network.proxy { cc_set_string(handle, CURLOPT_PROXY, proxy) }
        if let hosts = network.noProxy { cc_set_string(handle, CURLOPT_NOPROXY, hosts) }
        if let file = network.caFile { cc_set_string(handle, CURLOPT_CAINFO, file) }
        if let file = network.clientCertificate { cc_set_string(handle, CURLOPT_SSLCERT, file) }
        if let file = network.clientKey { cc_set_string(handle, CURLOPT_SSLKEY, file) }
        if !network.verifiesServers {
            cc_set_long(handle, CURLOPT_SSL_VERIFYPEER, 0)
            cc_set_long(handle, CURLOPT_SSL_VERIFYHOST, 0)
        }
    }

    private static func version(
        _ request: HTTPRequest, _ network: NetworkSettings, _ handle: UnsafeMutableRawPointer
    ) {
        guard request.isHTTP2, request.url.hasPrefix("http:") else {
            let version = network.http2 || request.isHTTP2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1
            cc_set_long(handle, CURLOPT_HTTP_VERSION, Int(version))
            return
        }
        cc_set_long(handle, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE))
        // libcurl 7.88 of Debian 12 fails with the second request of such a connection (curl/curl#10634).
        cc_set_long(handle, CURLOPT_FRESH_CONNECT, 1)
        cc_set_long(handle, CURLOPT_FORBID_REUSE, 1)
    }

    private static func headersAndBody(_ transfer: CurlTransfer, _ handle: UnsafeMutableRawPointer) {
        let request = transfer.request
        for (name, value) in request.headers {
            transfer.headerList = curl_slist_append(
                transfer.headerList, value.isEmpty ? "\(name);" : "\(name): \(value)")
        }
        if let body = request.body {
            transfer.headerList = curl_slist_append(transfer.headerList, "Expect:")
            cc_set_long(handle, CURLOPT_POST, 1)
            cc_set_size(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
            body.withUnsafeBufferPointer {
                _ = cc_set_pointer(handle, CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: $0.baseAddress))
            }
        }
        if request.method == "HEAD" {
            cc_set_long(handle, CURLOPT_NOBODY, 1)
        } else if request.method != "GET" || request.body != nil {
            cc_set_string(handle, CURLOPT_CUSTOMREQUEST, request.method)
        }
        if let list = transfer.headerList { cc_set_pointer(handle, CURLOPT_HTTPHEADER, list) }
    }

    /// `live` holds the transfer while curl has its address.
    private static func callbacks(_ transfer: CurlTransfer, _ handle: UnsafeMutableRawPointer) {
        let address = Unmanaged.passUnretained(transfer).toOpaque()
        cc_set_pointer(handle, CURLOPT_WRITEDATA, address)
        cc_set_callback(handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            guard let context else { return 0 }
            return Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
                .takeBody(UnsafeRawBufferPointer(start: bytes, count: size * count), now: CurlLoop.milliseconds())
        }
        if !transfer.request.mayReachLinkLocal {
            cc_set_pointer(handle, CURLOPT_OPENSOCKETDATA, address)
            cc_set_socket_callback(handle, CURLOPT_OPENSOCKETFUNCTION) { context, _, address in
                guard let context, let address else { return CURL_SOCKET_BAD }
                let socket = cc_open_unless_link_local(address)
                if socket == CURL_SOCKET_BAD {
                    Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue().refuseLinkLocal()
                }
                return socket
            }
        }
        cc_set_pointer(handle, CURLOPT_HEADERDATA, address)
        cc_set_callback(handle, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            guard let context else { return 0 }
            let goesOn = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
                .takeHeader(UnsafeRawBufferPointer(start: bytes, count: size * count), now: CurlLoop.milliseconds())
            return goesOn ? size * count : 0
        }
    }
}

/// curl's errors in a person's words.
enum CurlWords {
    static func error(_ code: CURLcode, _ words: String, origin: String, url: String) -> EngineError {
        switch code {
        case CURLE_OPERATION_TIMEDOUT:
            return EngineError(.timedOut, "\(origin) was not done in time: \(lowered(words))")
        case CURLE_UNSUPPORTED_PROTOCOL where url.hasPrefix("http"):
            return EngineError(.protocolViolation, "\(origin) answers with something that is not HTTP")
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL:
            return EngineError(.invalidInput, "'\(url)' is not an http or https address")
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_PROXY:
            return EngineError(
                .unreachable, "\(origin) cannot be reached: \(lowered(words))",
                hint: "is it running, and is the address right?")
        case CURLE_GOT_NOTHING, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_PARTIAL_FILE:
            return EngineError(.unreachable, "\(origin) closed the connection: \(lowered(words))")
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CACERT_BADFILE:
            return EngineError(.unreachable, "\(origin) could not prove who it is: \(lowered(words))")
        default:
            return EngineError(.unreachable, "\(origin): \(lowered(words))")
        }
    }

    private static func lowered(_ words: String) -> String {
        // Not of `SSL`.
        words.dropFirst().first?.isUppercase == true ? words : words.prefix(1).lowercased() + words.dropFirst()
    }
}
