import Glibc
import SystemPackage

/// Something that is given bytes again and again, and has to stay right about them.
protocol FuzzTarget: Sendable {
    /// The name on the command line.
    static var name: String { get }

    /// Runs with these bytes, and stops the program when something is wrong.
    ///
    /// - Returns: whether the bytes were for this target at all.
    func run(_ bytes: [UInt8]) -> Bool
}

/// All targets.
enum FuzzTargets {
    static let all: [any FuzzTarget] = [
        DecoderTarget(), FragmentsTarget(), CaptureTarget<Pcap>(), CaptureTarget<Pcapng>(), CaptureTarget<Snoop>(),
        InspectionTarget(),
    ]

    static func named(_ name: String) -> (any FuzzTarget)? { all.first { type(of: $0).name == name } }
}

/// Stops the program, which is how libFuzzer learns of a finding, with a line that says what was wrong.
func require(_ condition: Bool, _ complaint: @autoclosure () -> String) {
    if condition { return }
    _ = try? FileDescriptor.standardError.writeAll("WRONG: \(complaint())\n".utf8)
    abort()
}

/// Takes bytes from the front, zeros once they are used up: so every input says all that a target wants to know.
struct Choices {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position >= bytes.count }

    mutating func byte() -> UInt8 {
        guard position < bytes.count else { return 0 }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func word() -> Int { Int(byte()) << 8 | Int(byte()) }

    mutating func take(_ count: Int) -> [UInt8] {
        let end = min(bytes.count, position + count)
        defer { position = end }
        return Array(bytes[position..<end])
    }
}
