import Engine
import EngineSystem
import Glibc
import Synchronization

/// Many answers at once through one engine, for `make bench`: `bench-streams FORMAT URL COUNT`. Each delta holds the
/// sender's time as `<nanoseconds>`, by the monotonic clock. Prints one JSON document.
struct Delays: Sendable {
    var milliseconds: [Double] = []
    var deltas = 0
}

func monotonic() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
}

func cpuSeconds() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

func format(_ name: String) -> any WireFormat {
    switch name {
    case "anthropic": AnthropicMessages()
    case "responses": OpenAIResponses()
    case "gemini": Gemini()
    case "ollama": Ollama()
    default: ChatCompletions()
    }
}

let arguments = CommandLine.arguments
guard arguments.count == 4, let count = Int(arguments[3]) else {
    print("usage: bench-streams FORMAT URL COUNT")
    exit(2)
}
let collected = Mutex(Delays())
let failures = Mutex<[String]>([])
var settings = HTTPProvider.Settings(name: "bench", model: "m", format: format(arguments[1]))
settings.baseURL = arguments[2]
let provider = HTTPProvider(
    settings, transport: CurlTransport(), clock: SystemClock(), ids: RandomIdentifiers(), redactor: Redactor([]))
let request = ProviderRequest(system: "", messages: [Message(id: MessageID("1"), role: .user, text: "hi")])
let began = monotonic()
await withTaskGroup(of: Void.self) { group in
    for _ in 0..<count {
        group.addTask {
            do throws(EngineError) {
                try await provider.respond(to: request) { events in
                    let now = monotonic()
                    for case .text(let text) in events {
                        let stamps = text.split(separator: "<").compactMap { Int($0.prefix { $0 != ">" }) }
                        collected.withLock { collected in
                            collected.deltas += stamps.count
                            collected.milliseconds += stamps.map { Double(now - $0) / 1e6 }
                        }
                    }
                }
            } catch {
                failures.withLock { $0.append(error.message) }
            }
        }
    }
}
let seconds = Double(monotonic() - began) / 1e9
// `ru_maxrss` would be the parent's, which a child inherits.
let status = (try? String(decoding: DiskFiles(root: "/proc/self").read("status"), as: UTF8.self)) ?? ""
let peak = status.split(separator: "\n").first { $0.hasPrefix("VmHWM") }?.split(separator: " ").compactMap { Int($0) }
    .first
let delays = collected.withLock { $0 }
let document: JSONValue = [
    "seconds": .double(seconds), "cpu": .double(cpuSeconds()), "deltas": .int(delays.deltas),
    "failures": .array(failures.withLock { $0 }.map { .string($0) }), "peak_kib": .int(peak ?? 0),
    "delays": .array(delays.milliseconds.map { .double($0) }),
]
print(document.text)
