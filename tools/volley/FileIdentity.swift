import ArgumentParser
import Glibc
import SystemPackage
import VolleyCapture

/// What a path stands for, however it is spelled: two paths that are equal here are one file.
enum FileIdentity: Hashable {
    /// A file that is there.
    case existing(device: UInt64, inode: UInt64)
    /// A name in a folder, for a file that is to be made.
    case name(device: UInt64, inode: UInt64, String)

    /// - Parameters:
    ///   - path: where the file is, or will be.
    ///   - standard: what `-` stands for.
    /// - Returns: `nil` for terminals and `/dev/null`, which may be written to by any number, and for a path that leads
    ///   nowhere.
    init?(_ path: String, standard: FileDescriptor) {
        var status = stat()
        // SAFETY: both calls write only `status`.
        let isThere =
            unsafe path == "-" ? fstat(standard.rawValue, &status) == 0 : stat(path, &status) == 0
        if isThere {
            guard status.st_mode & S_IFMT != S_IFCHR else { return nil }
            self = .existing(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
            return
        }
        // A link to what is not there yet stands for that.
        var target = FilePath(path)
        for _ in 0..<40 {
            guard let link = Self.link(at: target) else { break }
            target = target.removingLastComponent().pushing(link)
        }
        let folder = target.removingLastComponent()
        guard let name = target.lastComponent,
            unsafe stat(folder.isEmpty ? "." : folder.string, &status) == 0
        else { return nil }
        self = .name(device: UInt64(status.st_dev), inode: UInt64(status.st_ino), name.string)
    }

    /// Where the symbolic link leads that is at `path`, if there is one.
    private static func link(at path: FilePath) -> FilePath? {
        var bytes = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        // SAFETY: the call writes no more than the array has, and the last byte stays 0.
        guard unsafe readlink(path.string, &bytes, bytes.count - 1) > 0 else { return nil }
        return FilePath(String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }
}

/// Refuses outputs that would write over each other, or over what is to be read.
///
/// - Parameters:
///   - outputs: the options that were given, and their paths.
///   - inputs: files and patterns to be read.
func requireDistinct(outputs: [(option: String, path: String)], inputs: [String]) throws {
    var taken: [FileIdentity: String] = [:]
    // Patterns that match nothing are the business of whoever opens them.
    let files = inputs.flatMap { name in (try? CapturePaths.expand([name])) ?? [] }
    for file in files {
        guard let identity = FileIdentity(file, standard: .standardInput), case .existing = identity else { continue }
        taken[identity] = "the capture \(file)"
    }
    for (option, path) in outputs {
        guard let identity = FileIdentity(path, standard: .standardOutput) else { continue }
        if let other = taken.updateValue("\(option) \(path)", forKey: identity) {
            throw ValidationError("\(option) \(path) is the same file as \(other): choose another name.")
        }
    }
}

/// Whether an output with this path is written to standard output; not for a terminal, where all can be seen.
func isStandardOutput(_ path: String) -> Bool {
    guard let identity = FileIdentity(path, standard: .standardOutput) else { return false }
    return identity == FileIdentity("-", standard: .standardOutput)
}
