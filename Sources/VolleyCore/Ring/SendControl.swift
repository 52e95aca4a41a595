/// How a datagram is to leave, where that is not left to the kernel: what a send's control message says.
@usableFromInline
package struct SendControl: BitwiseCopyable {
    /// The address to send from; unknown leaves it to the routing table.
    @usableFromInline package var local = LocalAddress.unknown
    /// The IPv4 TOS or IPv6 traffic class to set; negative leaves the socket's.
    @usableFromInline package var trafficClass: Int16 = -1
    /// When to send, in nanoseconds of the monotonic clock (`SO_TXTIME`); 0 at once.
    @usableFromInline package var transmitTime: UInt64 = 0

    @inlinable package init() {}

    /// What a queued reply keeps of the datagram it answers.
    @inlinable package init(from local: LocalAddress) { self.local = local }

    /// Whether everything is left to the kernel.
    @inlinable package var isDefault: Bool { !local.isKnown && trafficClass < 0 && transmitTime == 0 }
}

extension SendControl: Equatable {
    @inlinable
    package static func == (first: SendControl, second: SendControl) -> Bool {
        first.local == second.local && first.trafficClass == second.trafficClass
            && first.transmitTime == second.transmitTime
    }
}

/// The local end of one datagram: where it was sent to, and so where its answer has to come from.
@usableFromInline
package struct LocalAddress: Equatable, BitwiseCopyable {
    @usableFromInline package var ip: IPAddress
    /// The interface it came in on; 0 when unknown.
    @usableFromInline package var interfaceIndex: UInt32

    @inlinable
    package init(ip: IPAddress, interfaceIndex: UInt32) {
        self.ip = ip
        self.interfaceIndex = interfaceIndex
    }

    /// No datagram is addressed to 0.0.0.0, so it stands for "not known".
    @inlinable package static var unknown: LocalAddress { LocalAddress(ip: IPAddress(v4: 0), interfaceIndex: 0) }

    @inlinable package var isKnown: Bool { ip != IPAddress(v4: 0) }
}
