public import VolleyWire

/// One record of a capture: a view into the reader's buffer that ends with the next call of the reader.
///
/// The compiler keeps a record from outliving the buffer; what is to be kept is copied out.
public struct CaptureRecord: ~Escapable {
    /// The captured bytes, from the link layer on.
    public let bytes: RawSpan
    /// The options of a pcapng block as they stand in the file; empty for everything else.
    @usableFromInline let options: RawSpan
    /// The fields of the record's header.
    @usableFromInline let header: RecordHeader

    @inlinable @_lifetime(copy bytes, copy options)
    init(bytes: RawSpan, options: RawSpan, header: RecordHeader) {
        self.bytes = bytes
        self.options = options
        self.header = header
    }

    /// The position in the file, counted from 1.
    @inlinable public var number: Int { header.number }

    /// Nanoseconds since the Unix epoch.
    ///
    /// pcapng's simple packet block has no time stamp, and one on an interface never described has none that could be
    /// read: such a record has that of the record before it, 0 if it is the
    /// first, and ``hasTimestamp`` is `false`. A time that does not fit 64 bits is clamped.
    @inlinable public var timestampNanoseconds: Int64 { header.timestampNanoseconds }

    /// Whether the file holds a time for this record.
    @inlinable public var hasTimestamp: Bool { header.hasTimestamp }

    /// What ``bytes`` begins with.
    @inlinable public var linkType: LinkType { header.linkType }

    /// The bytes the packet had on the wire, as the file says; less than captured in some broken files.
    @inlinable public var originalLength: Int { header.originalLength }

    /// The bytes in the file.
    @inlinable public var capturedLength: Int { bytes.byteCount }

    /// The interface the packet was captured on, counted from 0 within its section; 0 for pcap.
    @inlinable public var interface: Int { header.interface }

    /// Decodes the record down to UDP.
    @inlinable @inline(__always)
    public func decode() -> DecodedFrame {
        FrameDecoder.decode(bytes, originalLength: header.originalLength, linkType: header.linkType)
    }
}

/// What the header of a record says, and where in the buffer its bytes are.
@usableFromInline
package struct RecordHeader {
    @usableFromInline package var number = 0
    @usableFromInline package var timestampNanoseconds: Int64 = 0
    @usableFromInline package var linkType = LinkType.null
    @usableFromInline package var originalLength = 0
    @usableFromInline package var interface = 0
    @usableFromInline package var hasTimestamp = false
    @usableFromInline package var isBigEndian = false
    /// Offsets from the start of the buffer, always within what is filled.
    @usableFromInline package var bytesOffset = 0
    @usableFromInline package var bytesLength = 0
    @usableFromInline package var optionsOffset = 0
    @usableFromInline package var optionsLength = 0

    @usableFromInline
    package init() {}
}
