// swift-tools-version:6.2

import PackageDescription

// Reading captures, ours beside libpcap. A package of its own, so that users of the library never build it.
let package = Package(
    name: "capture-bench",
    dependencies: [.package(name: "volley", path: "../../..")],
    targets: [
        .target(name: "CBaseline", linkerSettings: [.linkedLibrary("pcap")]),
        .executableTarget(
            name: "capture-bench",
            dependencies: [
                "CBaseline",
                .product(name: "VolleyCapture", package: "volley"),
                .product(name: "VolleyReplay", package: "volley"),
                .product(name: "VolleyWire", package: "volley"),
            ],
            swiftSettings: [.swiftLanguageMode(.v6)]
        ),
    ]
)
