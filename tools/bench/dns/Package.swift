// swift-tools-version:6.2

import PackageDescription

// What an answer and a zone cost. A package of its own, so that users of the library never build it.
let package = Package(
    name: "dns-bench",
    dependencies: [.package(name: "volley", path: "../../..")],
    targets: [
        .executableTarget(
            name: "dns-bench",
            dependencies: [
                .product(name: "VolleyDNS", package: "volley"), .product(name: "Volley", package: "volley"),
            ],
            swiftSettings: [.swiftLanguageMode(.v6)]
        )
    ]
)
