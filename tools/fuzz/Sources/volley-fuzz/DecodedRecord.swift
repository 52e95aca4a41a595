import VolleyCore
import VolleyWire

/// What has to hold of every record that was decoded, whatever its bytes are.
enum DecodedRecord {
    /// A sum over everything a decoder said, to compare two runs by.
    struct Trace: Equatable {
        private(set) var value: UInt64 = 14_695_981_039_346_656_037

        mutating func add(_ number: some BinaryInteger) {
            value = (value ^ UInt64(truncatingIfNeeded: number)) &* 1_099_511_628_211
        }
    }

    /// Decodes one record with `decoder` and looks the result over.
    static func check(
        _ decoder: inout RecordDecoder, _ bytes: RawSpan, originalLength: Int, linkType: LinkType, at time: Int64,
        _ trace: inout Trace
    ) {
        let before = decoder.accounting.total
        let frame = decoder.decode(bytes, originalLength: originalLength, linkType: linkType, at: time)
        let counted = decoder.accounting.total - before
        require(counted == 1, "a record was counted \(counted) times")
        require(
            (frame.recordClass == .malformed || frame.recordClass == .refused) == (frame.reason != .none),
            "\(frame.recordClass) for the reason \(frame.reason)")
        let room = frame.isReassembled ? decoder.packet.count : bytes.byteCount
        require(
            frame.payloadOffset >= 0 && frame.payloadLength >= 0 && frame.payloadOffset + frame.payloadLength <= room,
            "a payload at \(frame.payloadOffset) of \(frame.payloadLength) bytes in a record of \(room)")
        let payload = decoder.payload(of: frame, in: bytes)
        require(payload.count == frame.payloadLength, "a payload of another length than the frame says")
        if !frame.isDelivered {
            require(frame.payloadLength == 0 && frame.source == .unspecified, "a \(frame.recordClass) with a payload")
        }
        checkError(frame, in: bytes, &trace)
        for number in [frame.recordClass.index, frame.reason.index, frame.payloadOffset, frame.payloadLength] {
            trace.add(number)
        }
        trace.add(frame.source.port)
        trace.add(frame.destination.port)
        for byte in payload { trace.add(byte) }
    }

    private static func checkError(_ frame: DecodedFrame, in bytes: RawSpan, _ trace: inout Trace) {
        guard frame.recordClass == .icmpError, !frame.isReassembled else { return }
        guard let error = ICMPError(frame, in: bytes) else {
            require(false, "an ICMP error that cannot be read")
            return
        }
        require(error.payload(in: bytes).byteCount == error.payloadLength, "a quote of another length than it says")
        trace.add(error.errno?.rawValue ?? 0)
        trace.add(error.info)
    }

    /// Looks over the totals after some records: each in one class, and no more memory than allowed.
    static func checkTotals(_ decoder: borrowing RecordDecoder, records: Int) {
        let accounting = decoder.accounting
        require(accounting.total == records, "\(accounting.total) records counted of \(records)")
        for kind in RecordClass.all { require(accounting[kind] >= 0, "\(accounting[kind]) records are \(kind)") }
        let reasons = MalformedReason.all.reduce(0) { $0 + accounting[$1] }
        require(
            reasons == accounting[.malformed] + accounting[.refused], "\(reasons) reasons for \(accounting)")
        let (limits, reassembler) = (decoder.options.fragments, decoder.reassembler)
        require(reassembler.pendingPackets <= limits.packetsMax, "\(reassembler.pendingPackets) packets wait")
        require(
            (0...limits.bytesMax).contains(reassembler.byteCount), "\(reassembler.byteCount) bytes of fragments kept")
        require(
            reassembler.pendingPackets > 0 || reassembler.byteCount == 0, "bytes are kept of packets that are gone")
    }
}
