/// The first twelve octets of a message (RFC 1035 section 4.1.1).
public struct DNSHeader: Hashable, Sendable {
    /// How many octets there are of it.
    public static let byteCount = 12

    /// What pairs an answer with its question.
    public var id: UInt16
    /// The second word: QR, opcode, AA, TC, RD, RA, Z, AD, CD and the low four bits of the response code.
    public var bits: UInt16
    /// How many questions there are.
    public var questionCount: UInt16 = 0
    /// How many records answer the question.
    public var answerCount: UInt16 = 0
    /// How many records tell of the authority.
    public var authorityCount: UInt16 = 0
    /// How many further records there are.
    public var additionalCount: UInt16 = 0

    /// A header without records.
    public init(id: UInt16 = 0, bits: UInt16 = 0) {
        self.id = id
        self.bits = bits
    }

    /// The header at the beginning of a message.
    public init(_ message: RawSpan) throws(DNSError) {
        try message.require(Self.byteCount, at: 0)
        id = try message.uint16(at: 0)
        bits = try message.uint16(at: 2)
        questionCount = try message.uint16(at: 4)
        answerCount = try message.uint16(at: 6)
        authorityCount = try message.uint16(at: 8)
        additionalCount = try message.uint16(at: 10)
    }

    private func has(_ mask: UInt16) -> Bool { bits & mask != 0 }
    private mutating func set(_ mask: UInt16, _ value: Bool) { bits = value ? bits | mask : bits & ~mask }

    /// QR: whether this is a response.
    public var isResponse: Bool {
        get { has(0x8000) }
        set { set(0x8000, newValue) }
    }
    /// What is asked for.
    public var opcode: DNSOpcode {
        get { DNSOpcode(rawValue: UInt8(truncatingIfNeeded: bits >> 11)) }
        set { bits = bits & ~0x7800 | UInt16(newValue.rawValue) << 11 }
    }
    /// AA: whether the server has authority for the name asked for.
    public var isAuthoritative: Bool {
        get { has(0x0400) }
        set { set(0x0400, newValue) }
    }
    /// TC: whether something did not fit.
    public var isTruncated: Bool {
        get { has(0x0200) }
        set { set(0x0200, newValue) }
    }
    /// RD: whether the server is to ask others.
    public var recursionDesired: Bool {
        get { has(0x0100) }
        set { set(0x0100, newValue) }
    }
    /// RA: whether the server would ask others.
    public var recursionAvailable: Bool {
        get { has(0x0080) }
        set { set(0x0080, newValue) }
    }
    /// AD: whether the data is authentic (RFC 4035).
    public var isAuthenticData: Bool {
        get { has(0x0020) }
        set { set(0x0020, newValue) }
    }
    /// CD: whether the server need not check (RFC 4035).
    public var checkingDisabled: Bool {
        get { has(0x0010) }
        set { set(0x0010, newValue) }
    }
    /// The low four bits of the response code.
    public var responseCode: DNSResponseCode {
        get { DNSResponseCode(rawValue: bits & 15) }
        set { bits = bits & ~15 | newValue.rawValue & 15 }
    }

    /// How many records a section has.
    func count(of section: DNSSection) -> UInt16 {
        section == .answer ? answerCount : section == .authority ? authorityCount : additionalCount
    }

    /// Counts records of a section.
    mutating func add(_ count: UInt16, to section: DNSSection) {
        switch section {
        case .answer: answerCount &+= count
        case .authority: authorityCount &+= count
        default: additionalCount &+= count
        }
    }

    /// The flags that are set, as `dig` shows them: `qr aa rd`.
    public var flagText: String {
        let names: [(UInt16, String)] = [
            (0x8000, "qr"), (0x0400, "aa"), (0x0200, "tc"), (0x0100, "rd"), (0x0080, "ra"), (0x0040, "z"),
            (0x0020, "ad"), (0x0010, "cd"),
        ]
        return names.filter { bits & $0.0 != 0 }.map(\.1).joined(separator: " ")
    }
}
