import VolleyWire

/// What pcapng says about a packet in its options.
extension CaptureRecord {
    /// Which way the packet went (`epb_flags`); unknown when the file does not say.
    public var direction: PacketDirection {
        guard let range = OptionList.find(OptionCode.packetFlags, in: options, isBigEndian: header.isBigEndian),
            range.count >= 4
        else { return .unknown }
        return PacketDirection(
            rawValue: options.fileOrder32(at: range.lowerBound, isBigEndian: header.isBigEndian))
    }

    /// The first comment on the packet (`opt_comment`), if there is one; ill-formed UTF-8 is repaired.
    public var comment: String? {
        guard let range = OptionList.find(OptionCode.comment, in: options, isBigEndian: header.isBigEndian) else {
            return nil
        }
        var text: [UInt8] = []
        for offset in range { text.append(options.byte(at: offset)) }
        return String(decoding: text, as: UTF8.self)
    }
}

/// pcapng option codes this module reads or writes.
enum OptionCode {
    static let end: UInt16 = 0
    static let comment: UInt16 = 1
    static let interfaceName: UInt16 = 2
    static let packetFlags: UInt16 = 2
    static let timestampResolution: UInt16 = 9
    static let filter: UInt16 = 11
    static let timestampOffset: UInt16 = 14
    static let received: UInt16 = 4
    static let droppedByInterface: UInt16 = 5
    static let droppedBySystem: UInt16 = 7
}

/// A walk over pcapng options: code, length, value padded to four bytes.
enum OptionList {
    /// Calls `body` with code and the range of the value of each option; stops at the end mark or at an option that
    /// does not fit, for options are additions and no reason to lose a packet.
    static func forEach(in options: RawSpan, isBigEndian: Bool, _ body: (UInt16, Range<Int>) -> Void) {
        var offset = 0
        while options.byteCount - offset >= 4 {
            let code = options.fileOrder16(at: offset, isBigEndian: isBigEndian)
            let length = Int(options.fileOrder16(at: offset + 2, isBigEndian: isBigEndian))
            guard code != OptionCode.end, length <= options.byteCount - offset - 4 else { return }
            body(code, offset + 4..<offset + 4 + length)
            offset += 4 + (length + 3) & ~3
        }
    }

    /// The value of the first option with this code.
    static func find(_ wanted: UInt16, in options: RawSpan, isBigEndian: Bool) -> Range<Int>? {
        var found: Range<Int>?
        forEach(in: options, isBigEndian: isBigEndian) { code, range in
            if code == wanted, found == nil { found = range }
        }
        return found
    }
}
