import ArgumentParser
import Glibc
import SystemPackage

/// What this process has used so far (getrusage(2)).
struct ProcessUsage {
    let userSeconds: Double
    let systemSeconds: Double
    let maximumResidentBytes: Int

    static func now() -> ProcessUsage {
        var usage = rusage()
        // SAFETY: the call only writes `usage`, and cannot fail for this process.
        _ = unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return ProcessUsage(
            userSeconds: seconds(usage.ru_utime), systemSeconds: seconds(usage.ru_stime),
            maximumResidentBytes: peakResidentBytes() ?? usage.ru_maxrss * 1024)
    }

    /// The peak of this program's own memory (proc(5), `VmHWM`): `ru_maxrss` may still be that of whoever started it.
    private static func peakResidentBytes() -> Int? {
        guard let file = try? FileDescriptor.open(FilePath("/proc/self/status"), .readOnly) else { return nil }
        defer { try? file.close() }
        var bytes = [UInt8](repeating: 0, count: 8_192)
        let count = unsafe bytes.withUnsafeMutableBytes { buffer in
            // SAFETY: the descriptor is open, and the call writes no further than the buffer.
            (unsafe try? file.read(into: buffer)) ?? 0
        }
        let lines = String(decoding: bytes.prefix(count), as: UTF8.self).split(separator: "\n")
        guard let line = lines.first(where: { $0.hasPrefix("VmHWM:") }) else { return nil }
        return line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) }.map { $0 * 1024 }
    }

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
}

/// Whether standard error is a terminal, so that progress may be shown there.
let isTerminal = isatty(STDERR_FILENO) == 1
/// Whether standard input is a terminal, so that somebody may be typing.
let isTerminalInput = isatty(STDIN_FILENO) == 1

extension Double {
    /// Rounded to a number of decimals, as text.
    func text(_ decimals: Int) -> String {
        let scale = pow(10.0, Double(decimals))
        let scaled = (self * scale).rounded()
        guard scaled.isFinite, abs(scaled) < 1e15 else { return "\(self)" }
        let whole = Int(scaled)
        guard decimals > 0 else { return "\(whole)" }
        let digits = String(abs(whole) % Int(scale))
        let padding = String(repeating: "0", count: decimals - digits.count)
        return "\(whole < 0 ? "-" : "")\(abs(whole) / Int(scale)).\(padding)\(digits)"
    }
}

/// The size of a regular file in bytes; nil for anything else, and for "-".
func fileSize(_ path: String) -> Int64? {
    var status = stat()
    // SAFETY: the call only reads the path and writes `status`.
    guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return Int64(status.st_size)
}

/// Makes writing to a pipe without a reader an error (`EPIPE`) instead of the end of the process.
func ignoreBrokenPipes() {
    _ = signal(SIGPIPE, SIG_IGN)
}

/// Refuses an output file that is already there: a mistyped name must not cost a recording.
///
/// Devices and pipes are welcome.
func requireNew(_ path: String) throws {
    guard fileSize(path) != nil else { return }
    Console.complain("\(path): there is such a file already; remove it first, or choose another name")
    throw ExitCode.ioFailure
}

/// Removes an output file that was made for nothing.
func discardNew(_ path: String) {
    guard fileSize(path) != nil else { return }
    _ = unsafe unlink(path)
}
