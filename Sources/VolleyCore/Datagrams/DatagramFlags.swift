/// What the kernel says about a received datagram beside its bytes (recvmsg(2), `msg_flags`).
public struct DatagramFlags: OptionSet, Hashable, Sendable {
    /// One bit for each flag.
    public let rawValue: UInt32

    /// The flags with these bits.
    @inlinable
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The datagram was longer than the receive slot; what did not fit is gone (`MSG_TRUNC`).
    @inlinable public static var truncated: DatagramFlags { DatagramFlags(rawValue: 1) }

    /// Some of the metadata asked for did not fit (`MSG_CTRUNC`).
    @inlinable public static var controlTruncated: DatagramFlags { DatagramFlags(rawValue: 2) }
}
