public import VolleyCore

/// How the datagrams a protocol sent compare with those the capture shows as sent by the local endpoint.
///
/// They are paired by flow, which is the local and the peer's address and port, and by order: the first one sent to a
/// peer with the first one captured, and so on; ``ReplyRules`` may give them a key, which partners share.
///
/// Where the two sides of a flow (and key) differ, up to ``window`` of either are compared with one another, and those
/// are paired that leave the fewest differences (the Levenshtein distance of the two sequences): one that is lacking is
/// ``missing``, one too many is ``extra``, one in place of another is ``different``, and whatever follows is paired as
/// if nothing had been. More than ``window`` in a row that are lacking or too many are not recognised as such.
///
/// Times are compared only if the rules say so: a virtual answer is immediate, a captured one took its time. Payloads
/// are kept only until they are paired, at most ``outstandingMax`` of them and ``outstandingBytesMax`` bytes. Then the
/// oldest are compared with what is there of their flow, or count as without partner, and in ``evicted``: a service that
/// never answers, or never stops, costs no more memory than that.
public struct ReplyComparison: Hashable, Sendable {
    /// How far a reply may be from its partner in the order of its flow.
    public static let window = 256

    /// The most unpaired datagrams that are kept.
    public static let outstandingMax = 262_144
    /// The most payload bytes of unpaired datagrams that are kept: 64 MiB.
    public static let outstandingBytesMax = 64 << 20

    /// Pairs of the same bytes.
    public internal(set) var identical = 0
    /// Pairs that differ only in what ``ReplyRules/mask`` lets differ.
    public internal(set) var equalUnderMask = 0
    /// Pairs of different bytes.
    public internal(set) var different = 0
    /// In the capture, but the protocol did not send it.
    public internal(set) var missing = 0
    /// Sent by the protocol, but not in the capture.
    public internal(set) var extra = 0
    /// In the capture, but not sent since a fault of the replay lost the request or the reply: no difference.
    ///
    /// Of those without partner, as many for each flow as were lost (``ReplayOptions/faults``).
    public internal(set) var lostByFaults = 0
    /// Datagrams of either side, captured or sent, that ``ReplyRules/key`` gives no key: paired by order among themselves.
    public internal(set) var withoutKey = 0
    /// Of the missing and extra ones, those given up before the end for want of room.
    public internal(set) var evicted = 0
    /// Pairs, whatever their bytes, of which the reply came later than ``ReplyRules/lateAfter`` after the captured one.
    public internal(set) var late = 0
    /// How long after the captured one the latest of the ``late`` ones came.
    public internal(set) var latenessMax = Duration.zero
    /// The first differences; at most ``ReplayOptions/differencesMax``.
    public internal(set) var differences: [ReplyDifference] = []

    /// Sent ones that have captured partners.
    var pairs: Int { identical + equalUnderMask + different }

    /// Whether everything was as captured, byte for byte.
    public var isIdentical: Bool { isAccepted && equalUnderMask == 0 }

    /// Whether everything was as captured but for what the rules let differ: what an exit status is made of.
    public var isAccepted: Bool { different == 0 && missing == 0 && extra == 0 && late == 0 }
}

extension ReplyComparison {
    /// What the user has to know of it, one line each.
    package var warnings: [String] {
        var warnings: [String] = []
        if withoutKey > 0 {
            warnings.append(
                "\(withoutKey) replies, captured or sent, have no key, since they are too short or of another protocol: "
                    + "they were paired by their order among themselves")
        }
        if evicted > 0 {
            warnings.append(
                "\(evicted) datagrams waited too long for their partner and were counted as missing or extra")
        }
        return warnings
    }
}

/// A reply that is not as it was captured.
public struct ReplyDifference: Hashable, Sendable {
    /// What is wrong with it.
    public struct Kind: Hashable, Sendable, CustomStringConvertible {
        /// `different`, `missing`, `extra` or `late`.
        public let description: String

        /// A pair of different bytes.
        public static let different = Kind(description: "different")
        /// In the capture only.
        public static let missing = Kind(description: "missing")
        /// Sent by the protocol only.
        public static let extra = Kind(description: "extra")
        /// A pair of which the reply came too late.
        public static let late = Kind(description: "late")
    }

    /// What is wrong with it.
    public let kind: Kind
    /// The captured reply's record in the file, counted from 1; `nil` for an extra one.
    public let record: Int?
    /// When it was captured or, for an extra one, sent.
    public let time: WallClockTime
    /// The local endpoint, as in the flow.
    public let local: SocketAddress
    /// Whom it went to.
    public let peer: SocketAddress
    /// The captured bytes; `nil` for an extra one.
    public let expected: [UInt8]?
    /// The bytes the protocol sent; `nil` for a missing one.
    public let actual: [UInt8]?
    /// What ``ReplyRules/describe`` says of either side; empty without it.
    public let details: [String]
    /// How long after the captured one it came, for a late one.
    public let lateness: Duration?
}

extension ReplyDifference: CustomStringConvertible {
    /// One line: kind, record, flow, and up to 64 bytes of either side in hexadecimal.
    public var description: String {
        var text = "\(kind)"
        if let record { text += ", record \(record)" }
        text += ", \(local) to \(peer)"
        if let expected { text += ", expected \(Self.hexadecimal(expected))" }
        if let actual { text += ", got \(Self.hexadecimal(actual))" }
        if let lateness { text += ", late by \(lateness)" }
        return text
    }

    /// Bytes as lower-case hexadecimal digits; of more than `limit`, the first, and how many there are.
    ///
    /// - Parameters:
    ///   - bytes: what is shown.
    ///   - limit: how many of them at most.
    /// - Returns: two digits a byte.
    public static func hexadecimal(_ bytes: [UInt8], limit: Int = 64) -> String {
        let digits = Array("0123456789abcdef")
        var text = ""
        for byte in bytes.prefix(limit) {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return bytes.count > limit ? text + "… (\(bytes.count) bytes)" : bytes.isEmpty ? "nothing (0 bytes)" : text
    }
}
