import Synchronization

/// Asks one provider after the other, until one answers.
package struct FallbackProvider: Provider {
    private let providers: [any Provider]

    package var name: String { providers[0].name }
    package var model: String { providers[0].model }
    package var isMock: Bool { providers[0].isMock }
    package var price: PriceTable.Found? { providers[0].price }
    package var nativeFormat: String? { providers[0].nativeFormat }

    /// - Parameter providers: at least one, in the order in which they are asked.
    package init(_ providers: [any Provider]) {
        precondition(!providers.isEmpty, "FallbackProvider.init, without a provider")
        self.providers = providers
    }

    package func respond(
        to request: ProviderRequest, emit: @Sendable ([ProviderEvent]) async -> Void
    ) async throws(EngineError) {
        for (index, provider) in providers.enumerated() {
            if index > 0 { await emit([.answering(provider.identity)]) }
            let shown = Shown()
            do throws(EngineError) {
                return try await provider.respond(to: request) { events in
                    shown.look(at: events)
                    await emit(events)
                }
            } catch {
                let hasNext = index + 1 < providers.count
                guard hasNext, !shown.value, Self.isPassing(error), !Task.isCancelled else { throw error }
                let next = providers[index + 1]
                await emit([
                    .retrying(
                        ModelRetry(
                            provider: provider.name, model: provider.model, attempt: index + 1, milliseconds: 0,
                            reason: error.message, code: error.code.rawValue,
                            next: "\(next.name) \(next.model)"))
                ])
            }
        }
    }

    /// Another provider may do better with anything but the person's own wish to stop.
    private static func isPassing(_ error: EngineError) -> Bool { error.code != .cancelled }

    /// Whether anything of an answer was shown.
    private final class Shown: Sendable {
        private let state = Mutex(false)
        var value: Bool { state.withLock { $0 } }

        func look(at events: [ProviderEvent]) {
            let isShown = events.contains { event in
                switch event {
                case .text, .reasoning, .toolCall: true
                default: false
                }
            }
            if isShown { state.withLock { $0 = true } }
        }
    }
}
