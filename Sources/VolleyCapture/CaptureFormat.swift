/// A format of capture files.
public struct CaptureFormat: Hashable, Sendable {
    private let number: UInt8

    /// pcap with time stamps in microseconds.
    public static var pcapMicroseconds: CaptureFormat { CaptureFormat(number: 0) }
    /// pcap with time stamps in nanoseconds.
    public static var pcapNanoseconds: CaptureFormat { CaptureFormat(number: 1) }
    /// pcapng, with a resolution of time stamps for each interface; ours writes nanoseconds.
    public static var pcapng: CaptureFormat { CaptureFormat(number: 2) }
    /// Solaris' snoop (RFC 1761), which is read and not written.
    public static var snoop: CaptureFormat { CaptureFormat(number: 3) }
}

extension CaptureFormat: CustomStringConvertible {
    /// `pcap (microseconds)`, `pcap (nanoseconds)`, `pcapng` or `snoop`.
    public var description: String {
        switch self {
        case .pcapMicroseconds: "pcap (microseconds)"
        case .pcapNanoseconds: "pcap (nanoseconds)"
        case .snoop: "snoop"
        default: "pcapng"
        }
    }
}
