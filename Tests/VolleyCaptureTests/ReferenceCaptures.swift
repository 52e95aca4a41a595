import SystemPackage
import VolleyCore
import VolleyWire

@testable import VolleyCapture

/// The captures of others in `../shared/captures`, if they are there.
enum ReferenceCaptures {
    /// The folder beside the repository.
    static let folder: String = {
        var path = FilePath(#filePath)
        for _ in 0..<4 { path.removeLastComponent() }
        return path.appending("shared/captures").string
    }()

    /// The rows of a table in the folder, each a dictionary by column; `nil` when the folder is absent.
    static func table(_ name: String) -> [[String: String]]? {
        guard let bytes = readFile(folder + "/" + name) else { return nil }
        var lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map {
            $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        }
        guard !lines.isEmpty else { return nil }
        let columns = lines.removeFirst()
        return lines.map { Dictionary(uniqueKeysWithValues: zip(columns, $0)) }
    }

    /// All bytes of a file, `nil` if there is none.
    static func readFile(_ path: String) -> [UInt8]? {
        guard let file = try? FileDescriptor.open(FilePath(path), .readOnly) else { return nil }
        defer { try? file.close() }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while let count = try? unsafe chunk.withUnsafeMutableBytes({ try unsafe file.read(into: $0) }), count > 0 {
            bytes += chunk[..<count]
        }
        return bytes
    }
}

/// A capture read to its end or its damage.
struct CaptureOutcome {
    var records = 0
    var accounting = RecordAccounting()
    var digest = CaptureDigest()
    /// ICMP errors with the number of their record.
    var errors: [(record: Int, error: ICMPError)] = []
    var error: CaptureError?

    init(path: String, _ options: DecodingOptions = DecodingOptions()) {
        do throws(CaptureError) {
            var reader = try CaptureReader(path: path)
            try read(&reader, options)
        } catch {
            self.error = error
        }
    }

    init(bytes: [UInt8], _ options: DecodingOptions = DecodingOptions()) {
        do throws(CaptureError) {
            var reader = try CaptureReader(bytes: bytes)
            try read(&reader, options)
        } catch {
            self.error = error
        }
    }

    private mutating func read(_ reader: inout CaptureReader, _ options: DecodingOptions) throws(CaptureError) {
        var decoder = RecordDecoder(options)
        defer { accounting = decoder.accounting }
        while let record = try reader.next() {
            records += 1
            let frame = decoder.decode(
                record.bytes, originalLength: record.originalLength, linkType: record.linkType,
                at: record.timestampNanoseconds)
            if frame.isReassembled {
                let packet = decoder.packet
                digest.add(frame, of: RawSpan(packet.span))
                continue
            }
            digest.add(frame, of: record.bytes)
            if let error = ICMPError(frame, in: record.bytes) { errors.append((record.number, error)) }
        }
    }
}
