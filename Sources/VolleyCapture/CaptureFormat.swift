/// A format of capture files.
public struct CaptureFormat: Hashable, Sendable {
    private let number: UInt8

    /// pcap with time stamps in microseconds.
    public static var pcapMicroseconds: CaptureFormat { CaptureFormat(number: 0) }
    /// pcap with time stamps in nanoseconds.
    public static var pcapNanoseconds: CaptureFormat { CaptureFormat(number: 1) }
    /// pcapng, with a resolution of time stamps for each interface; ours writes nanoseconds.
    public static var pcapng: CaptureFormat { CaptureFormat(number: 2) }
}

extension CaptureFormat: CustomStringConvertible {
    /// `pcap (microseconds)`, `pcap (nanoseconds)` or `pcapng`.
    public var description: String {
        switch self {
        case .pcapMicroseconds: "pcap (microseconds)"
        case .pcapNanoseconds: "pcap (nanoseconds)"
        default: "pcapng"
        }
    }
}
