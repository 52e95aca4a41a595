internal import Glibc

/// When a recording goes on in a new file, and how many files are kept.
///
/// The file being written has the name given. When it is full it is renamed, in one step (rename(2)), to one with its
/// number and the time of its first packet in UTC, and a new one begins: `echo.pcapng` becomes
/// `echo_00001_20261123050607.pcapng`, then `echo_00002_…`; so does the last file, when the recording is closed. A file
/// with a number is a whole capture. `volley inspect 'echo*.pcapng'` reads all of them as one.
public struct CaptureRotation: Hashable, Sendable {
    /// A file is full when it has this many bytes; the last packet may lead over it.
    public var bytesMax: Int64?
    /// A file is full when a packet is this much later than its first one.
    public var interval: Duration?
    /// The most files kept, the one being written included, 1 at least; `nil` keeps all.
    ///
    /// The oldest ones of this recording are removed.
    public var filesMax: Int?

    /// A rotation by size, by time, or by whichever comes first.
    public init(bytesMax: Int64? = nil, interval: Duration? = nil, filesMax: Int? = nil) {
        self.bytesMax = bytesMax
        self.interval = interval
        self.filesMax = filesMax
    }

    /// A file's name with a number and a time: `dir/echo_00001_20261123050607.pcapng` for `dir/echo.pcapng`.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - number: padded to five digits.
    ///   - nanoseconds: the time since the Unix epoch; written in UTC, to the second.
    public static func fileName(_ path: String, number: Int, at nanoseconds: Int64) -> String {
        let start = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
        // A dot at the very beginning makes a file hidden, and no suffix.
        let dot = path[start...].dropFirst().lastIndex(of: ".") ?? path.endIndex
        let digits = String(number)
        let padding = String(repeating: "0", count: max(0, 5 - digits.count))
        return "\(path[..<dot])_\(padding)\(digits)_\(timeText(nanoseconds))\(path[dot...])"
    }

    /// `YYYYMMDDhhmmss` in UTC.
    private static func timeText(_ nanoseconds: Int64) -> String {
        var seconds = time_t(nanoseconds / 1_000_000_000)
        // SAFETY: the structure is written by the call, which points its zone's name to a constant.
        var parts = unsafe tm()
        guard unsafe gmtime_r(&seconds, &parts) != nil else { return "0" }
        let fields = unsafe [
            parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
        ]
        return fields.map { $0 < 10 ? "0\($0)" : "\($0)" }.joined()
    }
}
