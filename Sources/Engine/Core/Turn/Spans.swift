extension SessionRuntime {
    /// Begins a span; its opening is published so that it is drawn while it runs.
    func openSpan(
        _ name: String, _ category: TraceSpan.Category, parent: SpanID?, turn: TurnID?,
        attributes: JSONObject = JSONObject()
    ) -> TraceSpan {
        let span = TraceSpan(
            id: SpanID(ids.next("span")), parent: parent, name: name, category: category, started: clock.now(),
            attributes: attributes)
        emit(.spanOpened(span), turn)
        return span
    }

    func close(_ span: inout TraceSpan, turn: TurnID?, status: TraceSpan.Status = .ok) {
        span.ended = clock.now()
        span.status = status
        emit(.spanClosed(span), turn)
    }

    func close(_ span: inout TraceSpan, turn: TurnID?, error: EngineError) {
        span.attributes["error.type"] = .string(error.code.rawValue)
        span.attributes["error.message"] = .string(error.message)
        close(&span, turn: turn, status: error.code == .cancelled ? .cancelled : .error)
    }
}
