import VolleyCore

/// A domain name: up to 255 octets of labels, letter case kept but not compared.
///
/// A value with its wire form (RFC 1035 section 3.1) as storage. Equality and hash disregard the case of ASCII letters
/// (RFC 4343); `<` is the canonical order of RFC 4034 section 6.1. Text in both directions is in
/// `DomainName+Text.swift`.
public struct DomainName: Sendable {
    /// The labels, each behind its length, and the empty label of the root: always a valid name.
    public let wire: [UInt8]

    /// The root.
    public static let root = DomainName(unchecked: [0])

    /// A name whose wire form is known to be valid.
    init(unchecked wire: [UInt8]) { self.wire = wire }

    /// The name at the beginning of `bytes`, without compression, and nothing else.
    public init(wire bytes: RawSpan) throws(DNSError) {
        var name: [UInt8] = []
        let end = try WireName.expand(bytes, at: 0, into: &name)
        guard end == bytes.byteCount else { throw DNSError(.trailingBytes, at: end) }
        wire = name
    }

    /// The name at `offset` of a message, which is moved behind it; compression pointers are followed.
    ///
    /// - Throws: ``DNSError``; the offset is then as it was.
    public init(reading message: RawSpan, at offset: inout Int) throws(DNSError) {
        var name: [UInt8] = []
        offset = try WireName.expand(message, at: offset, into: &name)
        wire = name
    }

    /// Whether this is the root.
    public var isRoot: Bool { wire.count == 1 }

    /// How many labels there are, that of the root not counted.
    public var labelCount: Int {
        var (count, offset) = (0, 0)
        while wire[offset] != 0 {
            count += 1
            offset += 1 + Int(wire[offset])
        }
        return count
    }

    /// The octets of each label, the leftmost first; without that of the root.
    public var labels: [[UInt8]] {
        var (labels, offset) = ([[UInt8]](), 0)
        while wire[offset] != 0 {
            let end = offset + 1 + Int(wire[offset])
            labels.append(Array(wire[offset + 1..<end]))
            offset = end
        }
        return labels
    }

    /// The name without its leftmost label; `nil` for the root.
    public var parent: DomainName? {
        isRoot ? nil : DomainName(unchecked: Array(wire[(1 + Int(wire[0]))...]))
    }

    /// The same name in lower case.
    public var lowercased: DomainName { DomainName(unchecked: wire.map { LetterCase.lower($0) }) }

    /// This name with a label before it; `nil` if the label is empty or longer than 63 octets, or the name too long.
    public func prepending(label: [UInt8]) -> DomainName? {
        guard 1...63 ~= label.count, wire.count + 1 + label.count <= WireName.byteCountMax else { return nil }
        return DomainName(unchecked: [UInt8(label.count)] + label + wire)
    }

    /// Whether this is `other` or a name below it.
    public func isWithin(_ other: DomainName) -> Bool {
        var offset = 0
        while wire.count - offset > other.wire.count { offset += 1 + Int(wire[offset]) }
        guard wire.count - offset == other.wire.count else { return false }
        return zip(wire[offset...], other.wire).allSatisfy { LetterCase.lower($0) == LetterCase.lower($1) }
    }
}

extension DomainName: Hashable {
    /// Whether both are the same name, whatever the case of their letters.
    public static func == (left: DomainName, right: DomainName) -> Bool {
        left.wire.count == right.wire.count
            && zip(left.wire, right.wire).allSatisfy { LetterCase.lower($0) == LetterCase.lower($1) }
    }

    /// Feeds the name in lower case.
    public func hash(into hasher: inout Hasher) {
        for octet in wire { hasher.combine(LetterCase.lower(octet)) }
    }
}

extension DomainName: Comparable {
    /// Whether `left` comes first in canonical order: by labels from the right, as octets in lower case, a missing one
    /// first (RFC 4034 section 6.1).
    public static func < (left: DomainName, right: DomainName) -> Bool {
        CanonicalOrder.isBefore(RawSpan(left.wire.span), RawSpan(right.wire.span))
    }
}

/// The canonical order of names in wire form.
enum CanonicalOrder {
    /// Whether `left` comes before `right`; both must be valid names without compression.
    static func isBefore(_ left: RawSpan, _ right: RawSpan) -> Bool {
        compare(left, right) < 0
    }

    /// Less than, equal to or more than 0, as `left` is before, the same as, or after `right`.
    static func compare(_ left: RawSpan, _ right: RawSpan) -> Int {
        var lefts = InlineArray<128, UInt8>(repeating: 0)
        var rights = InlineArray<128, UInt8>(repeating: 0)
        var (leftCount, rightCount) = (offsets(left, &lefts), offsets(right, &rights))
        let (first, second) = (left.bytes, right.bytes)
        while leftCount > 0, rightCount > 0 {
            leftCount -= 1
            rightCount -= 1
            let (one, other) = (Int(lefts[leftCount]), Int(rights[rightCount]))
            let (oneLength, otherLength) = (Int(first[one]), Int(second[other]))
            var index = 1
            while index <= min(oneLength, otherLength) {
                let (a, b) = (LetterCase.lower(first[one + index]), LetterCase.lower(second[other + index]))
                if a != b { return a < b ? -1 : 1 }
                index += 1
            }
            if oneLength != otherLength { return oneLength - otherLength }
        }
        return leftCount - rightCount
    }

    private static func offsets(_ name: RawSpan, _ offsets: inout InlineArray<128, UInt8>) -> Int {
        let bytes = name.bytes
        var (count, offset) = (0, 0)
        while bytes[offset] != 0 {
            offsets[count] = UInt8(truncatingIfNeeded: offset)
            count += 1
            offset += 1 + Int(bytes[offset])
        }
        return count
    }
}
