// swift-tools-version:6.2

import PackageDescription

// An echo server of streams on Volley, for the measurements. A package of its own, so that users of the library never
// build it.
let package = Package(
    name: "stream-bench",
    dependencies: [.package(name: "volley", path: "../../..")],
    targets: [
        .executableTarget(
            name: "stream-peer",
            dependencies: [.product(name: "Volley", package: "volley")],
            swiftSettings: [.swiftLanguageMode(.v6)]
        )
    ]
)
