import ArgumentParser
import Glibc
import SystemPackage
import Volley
import VolleyCapture
import VolleyCore

/// `volley record`: packets of a network interface into a file.
struct RecordCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record",
        abstract: "Capture packets of a network interface until Ctrl-C, SIGTERM, --duration or --count.",
        discussion: """
            Takes root or CAP_NET_RAW. The file is pcapng, with the interface, its filter and, at its end, the counts of \
            packets received and dropped. What is captured is in the file after a second at the latest. To record a \
            service of volley's own, without privileges: volley serve --record.

            In JSON, "received" is the kernel's own count (libpcap's ps_recv): packets not yet handed over are in it, and \
            those of loopback devices twice.

            EXAMPLES
              volley record -i lo --filter 'udp port 53' dns.pcapng
              volley record -i eth0 --rotate-size 100000000 --keep 10 ring.pcapng
              volley record -i any - | volley inspect -
            """
    )

    @Argument(help: "The new file; \"-\" for standard output.")
    var file: String

    @Option(name: .shortAndLong, help: ArgumentHelp("The interface; \"any\" is all of them.", valueName: "name"))
    var interface: String

    @Option(help: ArgumentHelp("Take only packets that match (see pcap-filter(7)).", valueName: "expression"))
    var filter: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The most bytes taken of a packet, 1 to 262144.", valueName: "bytes"))
    var snaplen = CaptureWriter.packetLengthMax

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The size of the kernel's capture buffer. (default: 2 MiB)", valueName: "bytes"))
    var bufferSize: Int?

    @Flag(help: "Take what is for other hosts, too.")
    var promiscuous = false

    @Option(parsing: .unconditional, help: ArgumentHelp("End after this many seconds.", valueName: "seconds"))
    var duration: Double?

    @Option(parsing: .unconditional, help: ArgumentHelp("End after this many packets.", valueName: "packets"))
    var count: Int?

    @OptionGroup var rotation: RotationOptions

    @Flag(help: "Print the counters as one JSON object.")
    var json = false

    func validate() throws {
        guard 1...CaptureWriter.packetLengthMax ~= snaplen else {
            throw ValidationError("--snaplen must be 1 to \(CaptureWriter.packetLengthMax) bytes.")
        }
        guard 1...Int(Int32.max) ~= bufferSize ?? 1 else {
            throw ValidationError("--buffer-size must be 1 to \(Int32.max) bytes.")
        }
        guard duration.map({ $0 > 0 && $0 <= 1e9 }) ?? true else {
            throw ValidationError("--duration must be a number of seconds over 0 and at most 1,000,000,000.")
        }
        guard count ?? 1 > 0 else { throw ValidationError("--count must be 1 or more.") }
    }

    func run() throws {
        try requireNew(file)
        let clock = ContinuousClock()
        let start = clock.now
        var recording = RecordReport()
        do throws(CaptureError) {
            var options = LiveCapture.Options()
            options.snapLength = snaplen
            options.isPromiscuous = promiscuous
            options.bufferSize = bufferSize
            // The interface first: what cannot be captured must not leave an empty file behind.
            let capture = try LiveCapture(interface: interface, filter: filter, options: options)
            var description = CaptureInterfaceDescription(linkType: capture.linkType, name: interface)
            description.snapLength = snaplen
            description.filter = filter
            let series = try CaptureSeries(path: file, interface: description, rotation: rotation.rotation)
            try record(capture, into: series, from: start, &recording)
        } catch {
            Console.complain("\(error)")
            throw error.code == .invalidFilter ? ExitCode.unusableInput : .ioFailure
        }
        recording.seconds = start.duration(to: clock.now) / .seconds(1)
        // Standard output may be the recording.
        guard file != "-" else { return recording.lines.forEach { Console.complain($0) } }
        if json { try Console.print(json: recording) } else { try Console.print(recording.lines) }
    }

    /// Captures until something ends it, and completes the file.
    private func record(
        _ capture: LiveCapture, into series: CaptureSeries, from start: ContinuousClock.Instant,
        _ report: inout RecordReport
    ) throws(CaptureError) {
        let signals = endOnSignals(capture.stopper)
        defer { signals?.stop() }
        let line = "recording \(capture.interface) (\(capture.linkType)) into \(file)"
        if file == "-" { Console.complain(line) } else { try? Console.print(line) }
        let clock = ContinuousClock()
        var flushed = clock.now
        var bytes = 0
        while !isDone(series.packetCount, start.duration(to: clock.now)) {
            let goesOn = try capture.receive(within: patience(start.duration(to: clock.now))) {
                packet, time, length throws(CaptureError) in
                try series.writer(at: time).write(packet, at: time, originalLength: length)
                bytes += packet.byteCount
                return !isDone(series.packetCount, .zero)
            }
            if !goesOn { break }
            // Whoever reads from a pipe wants to see what there is.
            if file == "-" || flushed.duration(to: clock.now) >= .seconds(1) {
                try series.flush()
                _ = capture.statistics
                flushed = clock.now
            }
        }
        let statistics = capture.statistics
        try series.close(statistics, at: Int64(time(nil)) * 1_000_000_000)
        report = RecordReport(packets: series.packetCount, bytes: bytes, statistics, files: series.files)
    }

    private func isDone(_ packets: Int, _ elapsed: Duration) -> Bool {
        if let count, packets >= count { return true }
        return duration.map { elapsed >= .seconds($0) } ?? false
    }

    /// How long to wait for a packet: a second, or less when the time is nearly over.
    private func patience(_ elapsed: Duration) -> Int32 {
        guard let duration else { return 1_000 }
        let left = (.seconds(duration) - elapsed) / .milliseconds(1)
        return Int32(min(1_000, max(1, left.rounded(.up))))
    }

    /// Ends the capture at Ctrl-C and the like; the loop that hears of them is to be stopped.
    private func endOnSignals(_ stopper: CaptureStopper) -> LiveEventLoop? {
        do {
            let loop = try LiveEventLoop()
            try loop.onSignals([.interrupt, .terminate, .hangup]) { _, _ in stopper.stop() }
            return loop
        } catch {
            Console.complain("signals end this without a report: \(error)")
            return nil
        }
    }
}

/// When to go on in a new file.
struct RotationOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Go on in a new file after this many bytes; full ones are renamed: FILE_00001_YYYYMMDDhhmmss.",
            valueName: "bytes"))
    var rotateSize: Int64?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Go on in a new file after this much time of recording.", valueName: "seconds"))
    var rotateInterval: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Keep this many files and remove the oldest.", valueName: "files"))
    var keep: Int?

    /// What is asked for, if something is.
    var rotation: CaptureRotation? {
        guard rotateSize != nil || rotateInterval != nil else { return nil }
        return CaptureRotation(bytesMax: rotateSize, interval: rotateInterval.map { .seconds($0) }, filesMax: keep)
    }

    func validate() throws {
        guard rotateSize ?? 1 > 0 else { throw ValidationError("--rotate-size must be 1 or more bytes.") }
        guard rotateInterval.map({ $0 > 0 && $0 <= 1e9 }) ?? true else {
            throw ValidationError("--rotate-interval must be a number of seconds over 0 and at most 1,000,000,000.")
        }
        guard keep ?? 1 > 0 else { throw ValidationError("--keep must be 1 or more.") }
        guard keep == nil || rotation != nil else {
            throw ValidationError("--keep takes --rotate-size or --rotate-interval.")
        }
    }
}

/// What `volley record` says at its end.
struct RecordReport: Encodable {
    var packets = 0
    var bytes = 0
    /// The kernel's count for the capture (`ps_recv`).
    ///
    /// Packets still in its buffer are in it, and those of loopback devices twice: beside the number of packets recorded
    /// it would only mislead a person.
    var received: UInt64 = 0
    var droppedByKernel: UInt64 = 0
    var droppedByInterface: UInt64 = 0
    var files: [String] = []
    var seconds = 0.0

    init() {}

    init(packets: Int, bytes: Int, _ statistics: CaptureInterfaceStatistics, files: [String]) {
        self.packets = packets
        self.bytes = bytes
        received = statistics.received
        droppedByKernel = statistics.droppedByKernel
        droppedByInterface = statistics.droppedByInterface
        self.files = files
    }

    /// The same for a person.
    var lines: [String] {
        [
            "recorded \(packets) packets, \(bytes) bytes in \(seconds.text(2)) s",
            "dropped  \(droppedByKernel) by the kernel, \(droppedByInterface) by the interface",
        ] + (files.count > 1 ? ["files    \(files.count), the last one \(files[files.count - 1])"] : [])
    }
}
