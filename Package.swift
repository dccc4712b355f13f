// swift-tools-version: 6.2
import PackageDescription

/// Every target is built with these. Warnings are errors where `CLEO_STRICT` is set, which `make` and CI do.
let house: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    ] + (Context.environment["CLEO_STRICT"] == nil ? [] : [.treatAllWarnings(as: .error)])

let gnu: [CSetting] = [.define("_GNU_SOURCE")]

let package = Package(
    name: "cleo-tui",
    products: [
        .executable(name: "cleo-tui", targets: ["cleo-tui"]),
        .executable(name: "bench-streams", targets: ["bench-streams"]),
        .executable(name: "bench-tools", targets: ["bench-tools"]),
        .executable(name: "conformance-client", targets: ["conformance-client"]),
    ],
    targets: [
        // C libraries of the system: a module map and thin wrappers, no logic.
        .systemLibrary(name: "CCurl"),
        .systemLibrary(name: "CCrypto"),
        .systemLibrary(name: "CSQLite"),
        .systemLibrary(name: "CYAML"),
        .systemLibrary(name: "CPCRE2"),
        .systemLibrary(name: "CZlib"),
        // C that has to be C: variadics, macros, signal handlers.
        .target(
            name: "CTerminal", cSettings: gnu,
            linkerSettings: [.linkedLibrary("ncursesw"), .linkedLibrary("tinfo")]),
        .target(
            name: "CMarkdown", cSettings: gnu,
            linkerSettings: [.linkedLibrary("cmark-gfm"), .linkedLibrary("cmark-gfm-extensions")]),
        .target(name: "CEdit", cSettings: gnu, linkerSettings: [.linkedLibrary("edit")]),
        .target(name: "CProcess", cSettings: gnu),

        // The engine: values, rules and loops in Core; what touches the machine in System.
        .target(name: "Engine", path: "Sources/Engine/Core", swiftSettings: house, plugins: ["CheckList"]),
        // Lists the checks at build time, so that a new one is one new file.
        .plugin(name: "CheckList", capability: .buildTool()),
        .target(
            name: "EngineSystem",
            dependencies: [
                "Engine", "CCurl", "CCrypto", "CSQLite", "CYAML", "CPCRE2", "CZlib", "CMarkdown", "CProcess",
            ],
            path: "Sources/Engine/System", swiftSettings: house),

        // What is on the screen, without a terminal.
        .target(
            name: "Panes", dependencies: ["Engine"],
            swiftSettings: house + [.strictMemorySafety()]),

        // The program: arguments, wiring, the terminal.
        .executableTarget(
            name: "cleo-tui",
            dependencies: ["Engine", "EngineSystem", "Panes", "CTerminal", "CEdit"],
            swiftSettings: house),

        // Many answers at once through one engine, for `make bench`.
        .executableTarget(
            name: "bench-streams", dependencies: ["Engine", "EngineSystem"], path: "Tests/Bench/Streams",
            swiftSettings: house),
        // Calls of tools, one after the other, for `make bench`.
        .executableTarget(
            name: "bench-tools", dependencies: ["Engine", "EngineSystem"], path: "Tests/Bench/Tools",
            swiftSettings: house),
        .executableTarget(
            name: "conformance-client", dependencies: ["Engine", "EngineSystem"], path: "Tests/Conformance",
            swiftSettings: house),

        .target(
            name: "Support", dependencies: ["Engine", "EngineSystem", "Panes"],
            path: "Tests/Support", swiftSettings: house),
        .testTarget(
            name: "EngineTests", dependencies: ["Engine", "EngineSystem", "Support"],
            swiftSettings: house),
        .testTarget(
            name: "EngineSystemTests", dependencies: ["Engine", "EngineSystem", "Support"],
            swiftSettings: house),
        .testTarget(
            name: "PanesTests", dependencies: ["Panes", "Engine", "EngineSystem", "Support"],
            exclude: ["Screens"], swiftSettings: house),
    ]
)
