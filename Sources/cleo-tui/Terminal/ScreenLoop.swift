import CTerminal
import Engine
import EngineSystem
import Glibc
import Panes
import Synchronization

/// What other threads have for the screen.
enum ScreenMessage: Sendable {
    case events(SessionID, [EngineEvent])
    case refused(EngineCommand, EngineError)
    case sessions([SessionSummary])
    case models([ModelOption])
    case opened(SessionID)
    case failed(EngineError)
    /// The store has trouble, or none any more.
    case troubleChanged
}

/// Messages on their way to the screen's thread; posting wakes it.
final class Mailbox: Sendable {
    private let messages = Mutex<[ScreenMessage]>([])

    func post(_ message: ScreenMessage) {
        let isFirst = messages.withLock { waiting in
            waiting.append(message)
            return waiting.count == 1
        }
        if isFirst { term_wake() }
    }

    func take() -> [ScreenMessage] {
        messages.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
    }
}

/// The loop of the screen: waits for input, messages and signals, and draws when something changed.
///
/// Input is drawn at once; what the engine says at most sixty times a second. Concurrency: the main thread alone.
final class ScreenLoop {
    private let app: App
    private let screen: CursesScreen
    private let client: any EngineClient
    /// What the prompt takes of images; nil: anything.
    private let media: @Sendable () -> MediaLimits?
    private let store: any SessionList
    private let workspace: String
    private let ids: any IdentifierSource
    private let clock: any EngineClock
    /// What `/model` offers.
    private let models: @Sendable () -> [ModelOption]
    private let mailbox = Mailbox()
    private var pump: Task<Void, Never>?
    private var decoder = InputDecoder()
    private var isDirty = true
    private var lastDraw = 0
    private var isLeaving = false
    /// When an escape character that still waits is the key.
    private var escapeDeadline = 0

    private static let frame = 16
    private static let tick = 100
    /// How long an escape character may wait for the rest of a sequence.
    private static let escapeDelay = 25

    init(
        app: App, screen: CursesScreen, client: any EngineClient, store: any SessionList, workspace: String,
        ids: any IdentifierSource, clock: any EngineClock, models: @escaping @Sendable () -> [ModelOption],
        media: @escaping @Sendable () -> MediaLimits?
    ) {
        self.models = models

        self.app = app
        self.screen = screen
        self.client = client
        self.media = media
        self.store = store
        self.workspace = workspace
        self.ids = ids
        self.clock = clock
    }

    /// - Parameter afterFirstFrame: what takes the machine's time, such as starting servers.
    /// - Returns: the signal that ended it, or 0.
    func run(afterFirstFrame: () -> Void) -> Int32 {
        draw()
        afterFirstFrame()
        store.watchTrouble { [mailbox] in mailbox.post(.troubleChanged) }
        follow(app.session)
        while !isLeaving {
            let reasons = term_wait(Int32(timeout()))
            app.now = clock.now()
            if reasons & Int32(TERM_TERMINATED.rawValue) != 0 { return term_signal() }
            if reasons & Int32(TERM_CONTINUED.rawValue | TERM_RESIZED.rawValue) != 0 {
                screen.readSize()
                draw()
            }
            if reasons & Int32(TERM_INPUT.rawValue) != 0 {
                guard readInput() else { return SIGHUP }
            } else if reasons & Int32(TERM_HUNG_UP.rawValue) != 0 {
                return SIGHUP
            } else if decoder.isWaiting, app.now.milliseconds >= escapeDeadline {
                carryOut(decoder.flush())
            }
            for message in mailbox.take() { receive(message) }
            if app.needsTicks, app.now.milliseconds - lastDraw >= Self.tick { isDirty = true }
            if isDirty, app.now.milliseconds - lastDraw >= Self.frame { draw() }
        }
        pump?.cancel()
        return 0
    }

    /// Milliseconds until something has to be done without a reason from outside.
    private func timeout() -> Int {
        if decoder.isWaiting { return max(0, escapeDeadline - clock.now().milliseconds) }
        if isDirty { return max(0, Self.frame - (clock.now().milliseconds - lastDraw)) }
        return app.needsTicks ? Self.tick : -1
    }

    private func draw() {
        app.now = clock.now()
        app.trouble = store.trouble
        screen.present(app.draw(screen.size))
        lastDraw = app.now.milliseconds
        isDirty = app.isBehind
    }

    private func readInput() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = term_read(&buffer, buffer.count)
        if count < 0, errno == EINTR || errno == EAGAIN { return true }
        guard count > 0 else { return false }
        carryOut(decoder.feed(buffer[..<count]))
        escapeDeadline = clock.now().milliseconds + Self.escapeDelay
        return true
    }

    private func carryOut(_ inputs: [Input]) {
        for input in inputs {
            for effect in app.handle(input) { carryOut(effect) }
        }
        if !inputs.isEmpty, !isLeaving { draw() }
    }

    // MARK: The engine

    private func follow(_ session: SessionID) {
        pump?.cancel()
        let (client, mailbox) = (client, mailbox)
        pump = Task {
            do throws(EngineError) {
                let feed = try await client.feed(of: session, after: 0)
                while let events = await feed.next(), !Task.isCancelled { mailbox.post(.events(session, events)) }
            } catch {
                mailbox.post(.failed(error))
            }
        }
    }

    private func receive(_ message: ScreenMessage) {
        isDirty = true
        switch message {
        case .events(let session, let events):
            guard session == app.session else { return }
            for effect in app.apply(events) { carryOut(effect) }
        case .refused(let command, let error): app.refused(command, error)
        case .sessions(let sessions): app.show(sessions: sessions)
        case .opened(let session):
            app.begin(session)
            follow(session)
        case .models(let models): app.show(models: models)
        case .failed(let error): app.say(error.description, isError: true)
        case .troubleChanged: break
        }
    }

    private func carryOut(_ effect: Effect) {
        let (client, mailbox, store, workspace) = (client, mailbox, store, workspace)
        switch effect {
        case .submit(let command):
            Task {
                do throws(EngineError) { try await client.submit(command) } catch {
                    mailbox.post(.refused(command, error))
                }
            }
        case .open(let session):
            receive(.opened(session ?? SessionID(ids.next("s"))))
        case .listSessions:
            Task {
                do throws(EngineError) {
                    mailbox.post(.sessions(try await store.sessions(SessionFilter(workspace: workspace, limit: 200))))
                } catch {
                    mailbox.post(.failed(error))
                }
            }
        case .listModels:
            let models = models
            Task { mailbox.post(.models(models())) }
        case .attach(let path):
            do throws(EngineError) {
                let media = media()
                app.attach(
                    try ImageFiles.attachment(Folders.absolute(path), files: DiskFiles(root: "/"), media: media))
            } catch {
                app.say(error.description, isError: true)
            }
        case .copy(let text): screen.copy(text)
        case .redraw: screen.readSize()
        case .suspend:
            screen.suspend()
            isDirty = true
        case .quit: isLeaving = true
        }
    }
}
