import ArgumentParser
import Glibc
import Volley
import VolleyCapture

/// How `volley serve --record` records.
struct RecordingOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Keep this much in memory instead of a file; SIGUSR1 writes it to a new FILE_00001_YYYYMMDDhhmmss.",
            valueName: "seconds"))
    var recordLast: Double?

    @Option(
        parsing: .unconditional, help: ArgumentHelp("The most memory for --record-last.", valueName: "bytes"))
    var recordMemory = 64 << 20

    @Option(parsing: .unconditional, help: ArgumentHelp("Record one of this many datagrams.", valueName: "count"))
    var recordSample: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Record all datagrams of one of this many peers.", valueName: "count"))
    var recordPeers: Int?

    @OptionGroup var rotation: RotationOptions

    func validate() throws {
        guard recordLast.map({ $0 > 0 && $0 <= 1e9 }) ?? true else {
            throw ValidationError("--record-last must be a number of seconds over 0 and at most 1,000,000,000.")
        }
        guard recordMemory >= 1 << 20 else { throw ValidationError("--record-memory must be 1048576 bytes or more.") }
        guard recordSample ?? 1 > 0, recordPeers ?? 1 > 0 else {
            throw ValidationError("--record-sample and --record-peers must be 1 or more.")
        }
        guard recordSample == nil || recordPeers == nil else {
            throw ValidationError("--record-sample and --record-peers exclude each other.")
        }
        guard recordLast == nil || rotation.rotation == nil else {
            throw ValidationError("--record-last writes no file to rotate.")
        }
    }

    /// Whether something is asked for that takes `--record`.
    var isUsed: Bool { recordLast != nil || recordSample != nil || recordPeers != nil || rotation.rotation != nil }

    /// The tap for `path`, which must not be there yet.
    func makeTap(_ path: String) throws -> CaptureTap {
        let sampling: CaptureSampling =
            recordSample.map { .datagrams(oneIn: $0) } ?? recordPeers.map { .flows(oneIn: $0) } ?? .all
        if let recordLast {
            return CaptureTap(keepingLast: .seconds(recordLast), bytesMax: recordMemory, sampling: sampling)
        }
        try requireNew(path)
        var options = CaptureTap.Options()
        options.sampling = sampling
        options.rotation = rotation.rotation
        options.onFailure = { Console.complain("the recording has ended, serving goes on: \($0)") }
        do {
            return try CaptureTap(path: path, options: options)
        } catch {
            Console.complain("\(error)")
            throw ExitCode.ioFailure
        }
    }

    /// Has a flight recorder dump itself at SIGUSR1, on a loop of its own: serving waits for no disk.
    func dumpOnSignal(_ tap: CaptureTap?, _ path: String?) throws -> LiveEventLoop? {
        guard recordLast != nil, let tap, let path else { return nil }
        let loop = try LiveEventLoop()
        let dumps = DumpCounter()
        try loop.onSignals([.user1]) { _, _ in
            do throws(CaptureError) {
                let name = dumps.nextName(path)
                Console.complain("\(try tap.dump(to: name)) datagrams written to \(name)")
            } catch {
                Console.complain("\(error)")
            }
        }
        return loop
    }

    /// Numbers the dumps; used on one loop only.
    private final class DumpCounter: @unchecked Sendable {
        private var number = 0

        /// A name that no file has.
        func nextName(_ path: String) -> String {
            while true {
                number += 1
                let now = Int64(time(nil)) * 1_000_000_000
                let name = CaptureRotation.fileName(path, number: number, at: now)
                if fileSize(name) == nil { return name }
            }
        }
    }
}
