/// The panes of the screen, in the order of their numbers.
package enum PaneID: Int, Sendable, CaseIterable {
    case chat, trace, costs, tools, pack, wire

    var title: String {
        switch self {
        case .chat: "Chat"
        case .trace: "Trace"
        case .costs: "Cost"
        case .tools: "Tools"
        case .pack: "Pack"
        case .wire: "Wire"
        }
    }
}

/// Where everything stands on a screen of a size.
///
/// From 180 columns on there are three columns, from 100 on two; below, one pane at a time under a row of tabs;
/// below 60×15 only the pane itself. Trace, Pack and Wire share one place: the one that was focused last has it.
struct ScreenLayout: Equatable {
    var panes: [PaneID: Rect] = [:]
    var hasBorders = true
    var tabs: Rect?
    var status: Rect?

    init(
        _ size: Size, focused: PaneID, isZoomed: Bool, side: PaneID = .trace, toolRows: Int, costRows: Int
    ) {
        let hasStatus = size.rows >= 5
        let height = size.rows - (hasStatus ? 1 : 0)
        if hasStatus { status = Rect(x: 0, y: size.rows - 1, width: size.columns, height: 1) }
        let whole = Rect(x: 0, y: 0, width: size.columns, height: height)
        if size.columns < 60 || size.rows < 15 {
            hasBorders = false
            panes = [focused: whole]
        } else if isZoomed || size.columns < 100 {
            tabs = Rect(x: 0, y: 0, width: size.columns, height: 1)
            panes = [focused: Rect(x: 0, y: 1, width: size.columns, height: height - 1)]
        } else {
            let chat = size.columns >= 180 ? size.columns / 2 : size.columns * 57 / 100
            panes[.chat] = Rect(x: 0, y: 0, width: chat, height: height)
            let right = Rect(x: chat, y: 0, width: size.columns - chat, height: height)
            if size.columns >= 180 { split(right, toolRows, costRows) } else { stack(right, toolRows, costRows) }
            if side != .trace {
                panes[side] = panes[.trace]
                panes[.trace] = nil
            }
        }
    }

    private mutating func stack(_ area: Rect, _ toolRows: Int, _ costRows: Int) {
        let tools = min(max(toolRows + 2, 3), max(area.height / 3, 3))
        let costs = min(costRows + 2, area.height - tools - 4)
        let trace = area.height - tools - costs
        panes[.trace] = Rect(x: area.x, y: 0, width: area.width, height: trace)
        panes[.costs] = Rect(x: area.x, y: trace, width: area.width, height: costs)
        panes[.tools] = Rect(x: area.x, y: trace + costs, width: area.width, height: tools)
    }

    private mutating func split(_ area: Rect, _ toolRows: Int, _ costRows: Int) {
        let trace = area.width * 55 / 100
        panes[.trace] = Rect(x: area.x, y: 0, width: trace, height: area.height)
        let costs = min(costRows + 2, area.height / 2)
        panes[.costs] = Rect(x: area.x + trace, y: 0, width: area.width - trace, height: costs)
        panes[.tools] = Rect(x: area.x + trace, y: costs, width: area.width - trace, height: area.height - costs)
    }
}
