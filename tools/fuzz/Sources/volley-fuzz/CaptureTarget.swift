import Glibc
import SystemPackage
import VolleyCapture
import VolleyCore
import VolleyWire

/// A format of captures: how its files begin.
protocol CaptureBeginning: Sendable {
    static var name: String { get }
    static func begins(_ magic: UInt32) -> Bool
}

enum Pcap: CaptureBeginning {
    static let name = "pcap"
    static func begins(_ magic: UInt32) -> Bool {
        [0xa1b2_c3d4, 0xa1b2_3c4d, 0xa1b2_cd34, 0x1c00_01ac, 0x1c00_01ab].contains {
            $0 == magic || $0 == magic.byteSwapped
        }
    }
}

enum Pcapng: CaptureBeginning {
    static let name = "pcapng"
    static func begins(_ magic: UInt32) -> Bool { magic == 0x0a0d_0d0a }
}

enum Snoop: CaptureBeginning {
    static let name = "snoop"
    static func begins(_ magic: UInt32) -> Bool { magic == 0x736e_6f6f }
}

/// Whole files of one format, from memory and in small pieces from a descriptor, and what `volley inspect` makes of them.
///
/// Compressed files are left out: they are the business of other programs, which would be started for each.
struct CaptureTarget<Format: CaptureBeginning>: FuzzTarget {
    static var name: String { Format.name }

    func run(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 4, Format.begins(bytes[..<4].reduce(0) { $0 << 8 | UInt32($1) }) else { return false }
        let whole = Reading(bytes)
        require(whole == Reading(bytes), "two readings of the same bytes differ")
        let pieces = Reading(inPieces: bytes)
        require(whole.isEqualExceptPlace(pieces), "in pieces: \(pieces); as a whole: \(whole)")
        inspect(bytes, whole)
        return true
    }

    /// The inspection, with tables so small that they overflow.
    private func inspect(_ bytes: [UInt8], _ whole: Reading) {
        var limits = CaptureInspection.Limits()
        limits.endpoints = 3
        limits.conversations = 2
        var inspection = CaptureInspection(withDigest: true, limits: limits)
        var failed = false
        do throws(CaptureError) {
            var reader = try CaptureReader(bytes: bytes)
            try inspection.read(&reader)
        } catch {
            failed = true
        }
        require(failed == (whole.failure != nil), "the inspection ends otherwise than the reader")
        require(inspection.records == whole.records, "\(inspection.records) records inspected of \(whole.records)")
        require(inspection.digest?.delivered == inspection.datagrams, "the digest is of another number of datagrams")
        require(inspection.digest?.payloadBytes == inspection.payloadBytes, "the digest is of another number of bytes")
        require(
            inspection.endpoints.count <= 3 && inspection.conversations.count <= 2, "the tables outgrow their limits")
        let listed = inspection.conversations.reduce(0) { $0 + $1.datagrams }
        require(
            listed + inspection.datagramsBeyondConversations == inspection.datagrams,
            "conversations do not add up to \(inspection.datagrams)")
    }
}

/// All records of a file, and how it ended.
struct Reading: Equatable {
    private(set) var records = 0
    private(set) var trace = DecodedRecord.Trace()
    private(set) var failure: String?
    private(set) var code: CaptureError.Code?

    init(_ bytes: [UInt8]) {
        do throws(CaptureError) {
            var reader = try CaptureReader(bytes: bytes, name: "file")
            try read(&reader, length: bytes.count)
        } catch {
            failure = "\(error)"
            code = error.code
        }
    }

    /// The same from a socket that gives a few bytes with each read.
    init(inPieces bytes: [UInt8]) {
        var pair: [CInt] = [-1, -1]
        // SAFETY: the array has room for the two descriptors.
        require(unsafe socketpair(AF_UNIX, CInt(SOCK_SEQPACKET.rawValue), 0, &pair) == 0, "no socket")
        let (reading, writing) = (FileDescriptor(rawValue: pair[0]), FileDescriptor(rawValue: pair[1]))
        defer { try? reading.close() }
        let size = max(bytes.count / 64 + 1, 5)
        for start in stride(from: 0, to: bytes.count, by: size) {
            let piece = bytes[start..<min(bytes.count, start + size)]
            require((try? writing.writeAll(piece)) == piece.count, "a socket that takes less than 64 messages")
        }
        try? writing.close()
        do throws(CaptureError) {
            var reader = try CaptureReader(descriptor: reading, name: "file")
            try read(&reader, length: bytes.count)
        } catch {
            failure = "\(error)"
            code = error.code
        }
    }

    /// Whether the same records came, and the same kind of end.
    func isEqualExceptPlace(_ other: Reading) -> Bool {
        records == other.records && trace == other.trace && code == other.code
    }

    private mutating func read(_ reader: inout CaptureReader, length: Int) throws(CaptureError) {
        var decoder = RecordDecoder()
        do throws(CaptureError) {
            while let record = try reader.next() {
                records += 1
                require(record.number == records, "record \(records) says that it is \(record.number)")
                require(record.capturedLength <= length, "a record of \(record.capturedLength) bytes of \(length)")
                trace.add(record.timestampNanoseconds)
                trace.add(record.originalLength)
                trace.add(record.linkType.rawValue)
                trace.add(record.interface)
                for byte in (record.comment ?? "").utf8 { trace.add(byte) }
                DecodedRecord.check(
                    &decoder, record.bytes, originalLength: record.originalLength, linkType: record.linkType,
                    at: record.timestampNanoseconds, &trace)
                require(records <= length, "more records than bytes")
            }
        } catch {
            DecodedRecord.checkTotals(decoder, records: records)
            checkEnd(&reader, error)
            throw error
        }
        DecodedRecord.checkTotals(decoder, records: records)
        require(reader.byteOffset == Int64(length), "\(reader.byteOffset) of \(length) bytes used at the end")
    }

    /// A reader that has failed goes on failing, with the same words.
    private func checkEnd(_ reader: inout CaptureReader, _ error: CaptureError) {
        do throws(CaptureError) {
            let isEnd = try reader.next() == nil
            require(false, isEnd ? "an end after \(error)" : "a record after \(error)")
        } catch let again {
            require("\(again)" == "\(error)", "\(again) after \(error)")
        }
    }
}
