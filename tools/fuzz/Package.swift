// swift-tools-version:6.2

import PackageDescription

// Coverage-guided fuzzing of whatever reads bytes from outside. A package of its own, so that users of the library never
// build it. `main` is libFuzzer's: see `run`, which builds this the only way it links.
let package = Package(
    name: "volley-fuzz",
    dependencies: [
        .package(name: "volley", path: "../.."),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    ],
    targets: [
        .executableTarget(
            name: "volley-fuzz",
            dependencies: [
                .product(name: "VolleyCapture", package: "volley"),
                .product(name: "VolleyWire", package: "volley"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: [
                .swiftLanguageMode(.v6), .strictMemorySafety(), .treatAllWarnings(as: .error),
                .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
            ]
        )
    ]
)
