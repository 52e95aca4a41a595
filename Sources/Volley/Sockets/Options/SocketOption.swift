internal import CVolley
internal import Glibc
internal import VolleyCore

/// A socket option with a number for a value, and the name to call it by when it fails.
struct SocketOption {
    /// How the kernel's number and the user's belong together.
    enum Scale {
        case plain
        /// The kernel doubles what it is asked for, and keeps it under a limit (`sysctl`) that `force` can pass.
        case buffer(sysctl: String, force: CInt)
        /// All 32 bits count.
        case unsigned
    }

    let name: String
    let level: CInt
    let number: CInt
    let value: CInt
    var scale = Scale.plain
    /// Not asked for, but chosen by us: a kernel that does not know it may go without.
    var isOptional = false

    init(_ name: String, _ level: CInt, _ number: CInt, _ value: CInt) {
        self.name = name
        self.level = level
        self.number = number
        self.value = value
    }

    /// A number of the kernel's as the user's.
    func shown(_ kernelValue: CInt) -> Int {
        switch scale {
        case .plain: Int(kernelValue)
        case .buffer: Int(kernelValue) / 2
        case .unsigned: Int(UInt32(bitPattern: kernelValue))
        }
    }

    /// What was asked for, as the user gave it.
    var asked: Int {
        if case .unsigned = scale { return Int(UInt32(bitPattern: value)) }
        return Int(value)
    }

    /// The option in the report, when the kernel says `kernelValue`.
    func reported(_ kernelValue: CInt?) -> SocketReport.Option {
        let granted = kernelValue.map(shown)
        return SocketReport.Option(
            name: name, asked: asked, granted: granted, advice: granted.flatMap { advice(granted: $0) })
    }

    private func advice(granted: Int) -> String? {
        guard case .buffer(let sysctl, _) = scale, granted != asked else { return nil }
        if granted > asked { return "that is the kernel's minimum" }
        if asked > Self.bufferMax { return "the kernel's maximum is \(Self.bufferMax)" }
        return "sysctl -w \(sysctl)=\(asked) allows it"
    }

    /// The kernel keeps twice the size in an `int`.
    private static let bufferMax = Int(CInt.max / 2)
}

extension SocketOption {
    static func multicastAll(isIPv6: Bool, _ isOn: Bool) -> SocketOption {
        isIPv6
            ? SocketOption("IPV6_MULTICAST_ALL", CInt(IPPROTO_IPV6), IPV6_MULTICAST_ALL, isOn ? 1 : 0)
            : SocketOption("IP_MULTICAST_ALL", CInt(IPPROTO_IP), IP_MULTICAST_ALL, isOn ? 1 : 0)
    }
}
