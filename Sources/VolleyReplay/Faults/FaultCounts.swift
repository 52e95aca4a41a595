/// How many datagrams of one direction met which faults.
public struct FaultCounts: Hashable, Sendable {
    /// How many were judged; a send that is tried again after an injected `EAGAIN` counts each time.
    public let datagrams: Int
    private let counts: [Int]
    private let isSend: Bool

    init(datagrams: Int, _ counts: [Int], isSend: Bool) {
        (self.datagrams, self.counts, self.isSend) = (datagrams, counts, isSend)
    }

    /// How many faults of a kind there were.
    public subscript(kind: FaultEvent.Kind) -> Int { counts[Int(kind.code)] }

    /// Datagrams that were lost: the two kinds of loss, and those that met an ICMP error.
    public var lost: Int { self[.loss] + self[.burstLoss] + self[.icmp] }

    /// Datagrams that came through, doubled ones counted twice.
    ///
    /// A send that fails with an error number has not taken place; a receive that does brings its datagram later.
    public var passed: Int { datagrams - lost - (isSend ? self[.errno] : 0) + self[.duplication] }
}

extension FaultCounts: CustomStringConvertible {
    /// How many were judged, and what befell them: `200 datagrams, loss 12, duplication 3`.
    public var description: String {
        let kinds = FaultEvent.Kind.all.filter { self[$0] > 0 }.map { ", \($0) \(self[$0])" }
        return "\(datagrams) datagrams" + (kinds.isEmpty ? ", none with a fault" : kinds.joined())
    }
}
