/// Which way a packet went, as the flags of a pcapng packet say it (`epb_flags`, bits 0 and 1).
public struct PacketDirection: RawRepresentable, Hashable, Sendable {
    /// The two bits of the flags word.
    public let rawValue: UInt32

    /// A direction from the two bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue & 3 }

    /// Not said.
    public static var unknown: PacketDirection { PacketDirection(rawValue: 0) }
    /// Received by the capturing host.
    public static var inbound: PacketDirection { PacketDirection(rawValue: 1) }
    /// Sent by the capturing host.
    public static var outbound: PacketDirection { PacketDirection(rawValue: 2) }
}

extension PacketDirection: CustomStringConvertible {
    /// `inbound`, `outbound` or `unknown`.
    public var description: String {
        switch self {
        case .inbound: "inbound"
        case .outbound: "outbound"
        default: "unknown"
        }
    }
}
