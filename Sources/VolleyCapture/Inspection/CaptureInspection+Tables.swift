internal import VolleyCore

/// The tables, sorted for reports.
extension CaptureInspection {
    /// What tables are sorted by, largest first.
    public struct Order: Hashable, Sendable {
        let isByBytes: Bool

        /// The number of datagrams.
        public static var datagrams: Order { Order(isByBytes: false) }
        /// The bytes of payload.
        public static var payloadBytes: Order { Order(isByBytes: true) }
    }

    /// The endpoints, those with most datagrams sent and received first; ties by address and port.
    public var endpoints: [CaptureEndpoint] { endpoints(by: .datagrams) }

    /// The endpoints in this order; ties by address and port.
    public func endpoints(by order: Order) -> [CaptureEndpoint] {
        endpointTable.map { CaptureEndpoint(address: $0.key, sent: $0.value.forward, received: $0.value.backward) }
            .sorted { left, right in
                let (leftCount, rightCount) =
                    order.isByBytes
                    ? (left.payloadBytes, right.payloadBytes) : (left.datagrams, right.datagrams)
                return leftCount == rightCount
                    ? left.address.orderKey < right.address.orderKey : leftCount > rightCount
            }
    }

    /// The conversations, those with most datagrams first; ties by addresses and ports.
    public var conversations: [CaptureConversation] { conversations(by: .datagrams) }

    /// The conversations in this order; ties by addresses and ports.
    public func conversations(by order: Order) -> [CaptureConversation] {
        conversationTable.map {
            CaptureConversation(
                first: $0.key.first, second: $0.key.second, forward: $0.value.traffic.forward,
                backward: $0.value.traffic.backward, timeSpan: $0.value.timeSpan)
        }
        .sorted { left, right in
            let (leftCount, rightCount) =
                order.isByBytes
                ? (left.payloadBytes, right.payloadBytes) : (left.datagrams, right.datagrams)
            if leftCount != rightCount { return leftCount > rightCount }
            return left.first == right.first
                ? left.second.orderKey < right.second.orderKey : left.first.orderKey < right.first.orderKey
        }
    }

    /// What the datagrams carry, by port and by a look at their first bytes; those with most datagrams first.
    ///
    /// RTP has no port of its own: it is recognised by the third datagram in order of a stream, which counts the first
    /// two as well.
    public var protocols: [ProtocolTraffic] { protocolTable.sorted }

    /// The ICMP errors that quote UDP datagrams, by kind, those with most messages first.
    public var icmpErrors: [ICMPErrorCount] { icmpTable.sorted }

    /// What sequence numbers say about loss, a line for each protocol that has them.
    public var sequenceGaps: [SequenceGaps] { sequences.gaps }
}
