import Glibc
import SystemPackage
import VolleyCapture
import VolleyCore
import VolleyWire

/// Writes inputs to begin with, a folder for each target: from captures given, and from our own writer.
struct SeedMaker {
    let folder: String
    /// Longer files are cut: what is to be found lies in headers.
    static let lengthMax = 8_192
    /// Records taken from each capture, and how much of each.
    static let recordsPerFile = 24
    static let recordLengthMax = 300

    func make(from paths: [String]) {
        for target in FuzzTargets.all {
            // SAFETY: the call only reads the path. A folder that cannot be made is told of by the first write to it.
            _ = unsafe mkdir("\(folder)/\(type(of: target).name)", 0o755)
        }
        for capture in GeneratedCaptures.all { add(capture: capture) }
        for seed in GeneratedCaptures.fragments { write(seed, for: FragmentsTarget.name) }
        for seed in GeneratedCaptures.frames { write(seed, for: DecoderTarget.name) }
        var unreadable = 0
        for path in paths {
            guard let bytes = Self.read(path) else {
                unreadable += 1
                continue
            }
            add(capture: bytes)
        }
        print("seeds of \(paths.count - unreadable) captures and \(GeneratedCaptures.all.count) generated ones")
        if unreadable > 0 { print("\(unreadable) files cannot be read") }
    }

    /// The file for the target of its format, and its records for the decoder.
    private func add(capture bytes: [UInt8]) {
        guard bytes.count >= 4 else { return }
        let magic = bytes[..<4].reduce(0) { $0 << 8 | UInt32($1) }
        let head = Array(bytes.prefix(Self.lengthMax))
        if Pcap.begins(magic) {
            write(head, for: Pcap.name)
        } else if Pcapng.begins(magic) {
            write(head, for: Pcapng.name)
        } else if Snoop.begins(magic) {
            write(head, for: Snoop.name)
        } else {
            return
        }
        guard var reader = try? CaptureReader(bytes: bytes) else { return }
        for number in 0..<Self.recordsPerFile {
            guard let record = try? reader.next() else { return }
            let frame = record.decode()
            if frame.isDelivered {
                let length = min(frame.payloadLength, Self.recordLengthMax)
                let forward = InspectionTarget.ports.firstIndex(of: frame.destination.port)
                let backward = InspectionTarget.ports.firstIndex(of: frame.source.port).map { $0 | 0x80 }
                write(
                    [UInt8(forward ?? backward ?? 1), 20, UInt8(length >> 8), UInt8(length & 0xff)]
                        + Array(copying: frame.payload(in: record.bytes).extracting(0..<length)),
                    for: InspectionTarget.name)
            }
            guard let linkType = DecoderTarget.linkTypes.firstIndex(of: record.linkType) else { continue }
            let length = min(record.capturedLength, Self.recordLengthMax)
            let rules: [UInt8] = number % 2 == 0 ? [0, 0] : [3, 0x3f]
            write(
                rules + [UInt8(linkType), 0, UInt8(length >> 8), UInt8(length & 0xff)]
                    + Array(copying: record.bytes.extracting(0..<length)), for: DecoderTarget.name)
        }
    }

    /// A file named by its content: the same seed twice is one.
    private func write(_ seed: [UInt8], for target: String) {
        var name: UInt64 = 14_695_981_039_346_656_037
        for byte in seed { name = (name ^ UInt64(byte)) &* 1_099_511_628_211 }
        let path = FilePath("\(folder)/\(target)/seed-\(String(name, radix: 16))")
        guard
            let file = try? FileDescriptor.open(
                path, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
        else {
            print("cannot write \(path)")
            exit(74)
        }
        defer { try? file.close() }
        _ = try? file.writeAll(seed)
    }

    /// All bytes of a file, up to 4 MiB.
    private static func read(_ path: String) -> [UInt8]? {
        guard let file = try? FileDescriptor.open(FilePath(path), .readOnly) else { return nil }
        defer { try? file.close() }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while bytes.count < 4 << 20 {
            // SAFETY: the call writes no further than the buffer.
            guard let count = try? unsafe chunk.withUnsafeMutableBytes({ try unsafe file.read(into: $0) }) else {
                return nil
            }
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        return bytes
    }
}
