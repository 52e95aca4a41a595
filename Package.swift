// swift-tools-version:6.2

import PackageDescription

let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")

let package = Package(
    name: "volley",
    products: [
        .library(name: "Volley", targets: ["Volley"]),
        .library(name: "VolleyReplay", targets: ["VolleyReplay"]),
        .library(name: "VolleyTesting", targets: ["VolleyTesting"]),
        .library(name: "VolleyCapture", targets: ["VolleyCapture"]),
        .library(name: "VolleyWire", targets: ["VolleyWire"]),
        .library(name: "VolleyDNS", targets: ["VolleyDNS"]),
        .executable(name: "volley", targets: ["volley-cli"]),
        .executable(name: "echo-server", targets: ["EchoServer"]),
        .executable(name: "echo-client", targets: ["EchoClient"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    ],
    targets: [
        // C: only what Swift cannot import (CMSG_*, epoll and friends), and libpcap.
        .target(name: "CVolley"),
        .systemLibrary(name: "CPcap", pkgConfig: "libpcap", providers: [.apt(["libpcap-dev"])]),

        // Libraries. Arrows point one way: tools → Volley | Replay → Capture → Wire → Core.
        .target(
            name: "VolleyCore",
            dependencies: [
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
                systemPackage,
            ]
        ),
        .target(
            name: "Volley",
            dependencies: ["VolleyCore", "CVolley", systemPackage],
            cSettings: [.define("_GNU_SOURCE")]
        ),
        .target(name: "VolleyWire", dependencies: ["VolleyCore"]),
        .target(name: "VolleyDNS", dependencies: ["VolleyCore"]),
        .target(
            name: "VolleyCapture",
            dependencies: [
                "VolleyCore", "VolleyWire", "CPcap", systemPackage,
            ],
            cSettings: [.define("_GNU_SOURCE")]
        ),
        .target(
            name: "VolleyReplay",
            dependencies: [
                "VolleyCore", "VolleyWire", "VolleyCapture",
                systemPackage,
            ]
        ),
        .target(
            name: "VolleyTesting",
            dependencies: ["VolleyCore", systemPackage]
        ),

        // Programs.
        .executableTarget(
            name: "volley-cli",
            dependencies: [
                "Volley", "VolleyCore", "VolleyDNS", "VolleyReplay", "VolleyCapture", "VolleyWire",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                systemPackage,
            ],
            path: "tools/volley"
        ),
        .executableTarget(name: "EchoServer", dependencies: ["Volley"], path: "Samples/EchoServer"),
        .executableTarget(name: "EchoClient", dependencies: ["Volley"], path: "Samples/EchoClient"),

        // Tests: one folder per module, and what concerns them all.
        .testTarget(name: "VolleyCoreTests", dependencies: ["VolleyCore", systemPackage]),
        .testTarget(name: "VolleyTestingTests", dependencies: ["VolleyTesting", "VolleyCore", systemPackage]),
        .testTarget(
            name: "VolleyTests",
            dependencies: ["Volley", "VolleyCore", "VolleyTesting", "CVolley", systemPackage],
            cSettings: [.define("_GNU_SOURCE")]
        ),
        .testTarget(name: "VolleyWireTests", dependencies: ["VolleyWire", "VolleyCore"]),
        .testTarget(
            name: "VolleyDNSTests",
            dependencies: ["Volley", "VolleyDNS", "VolleyCapture", "VolleyCore", "VolleyReplay"]
        ),
        .testTarget(
            name: "VolleyCaptureTests",
            dependencies: ["VolleyCapture", "VolleyWire", "VolleyCore", systemPackage]
        ),
        .testTarget(
            name: "VolleyReplayTests",
            dependencies: [
                "VolleyReplay", "VolleyCapture", "VolleyWire", "VolleyCore", "VolleyTesting", systemPackage,
            ]
        ),
        .target(name: "CAllocations", path: "Tests/CAllocations"),
        .testTarget(
            name: "AllocationTests",
            dependencies: ["Volley", "VolleyCore", "CVolley", "CAllocations"],
            cSettings: [.define("_GNU_SOURCE")]
        ),
        .testTarget(name: "CLITests", dependencies: ["volley-cli", "VolleyCapture", "VolleyCore", "VolleyWire"]),
        .testTarget(
            name: "InteropTests",
            dependencies: [
                "Volley", "VolleyCapture", "VolleyCore", "VolleyDNS", "VolleyReplay", "VolleyWire", "volley-cli",
            ],
            path: "Tests/Interop",
            cSettings: [.define("_GNU_SOURCE")]
        ),
    ]
)

// One place for what every own target is built with.
let inC: Set = ["CVolley", "CPcap", "CAllocations"]
for target in package.targets where !inC.contains(target.name) {
    target.swiftSettings = [
        .swiftLanguageMode(.v6),
        .strictMemorySafety(),
        .treatAllWarnings(as: .error),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    ]
    // Declaring ~Escapable API takes a flag, using it takes none: programs and tests show that.
    if target.type == .regular { target.swiftSettings?.append(.enableExperimentalFeature("Lifetimes")) }
}
