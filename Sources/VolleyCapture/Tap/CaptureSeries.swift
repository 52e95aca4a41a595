internal import Glibc
internal import SystemPackage

/// A recording in one pcapng file after the other, as a ``CaptureRotation`` says.
///
/// ```swift
/// let series = try CaptureSeries(path: "lo.pcapng", interface: interface, rotation: rotation)
/// try series.writer(at: time).write(packet, at: time)
/// try series.close()
/// ```
///
/// Time is that of the packets; nothing happens between them. Not thread-safe.
public final class CaptureSeries {
    /// The file that is written.
    public let path: String
    /// The whole files so far that have not been removed, the oldest first.
    public private(set) var files: [String] = []

    private let interface: CaptureInterfaceDescription
    private let rotation: CaptureRotation?
    /// `nil` between two files, and after the last one.
    private var current: CaptureWriter?
    /// When the file being written is full.
    private var deadline: Int64?
    private var firstTime: Int64?
    private var number = 0
    private var finishedPackets = 0
    private var isClosed = false

    /// Begins the first file; an existing one is emptied; `-` is standard output, which is never full.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - interface: what every file says of its interface.
    ///   - rotation: `nil` for a single file, which keeps its name.
    /// - Throws: ``CaptureError`` when the file cannot be created.
    public init(
        path: String, interface: CaptureInterfaceDescription, rotation: CaptureRotation? = nil
    ) throws(CaptureError) {
        self.path = path
        self.interface = interface
        self.rotation = path == "-" ? nil : rotation
        current = try CaptureWriter(path: path, interface: interface)
    }

    /// How many packets were written so far.
    public var packetCount: Int { finishedPackets + (current?.packetCount ?? 0) }

    /// How many of them are in files, and not in a buffer.
    var flushedPacketCount: Int { finishedPackets + (current?.flushedPacketCount ?? 0) }

    /// What to write the next packet to, whose time this is, in nanoseconds since the Unix epoch; another one each time
    /// a file is full.
    ///
    /// - Throws: ``CaptureError`` when the full file cannot be completed, or no new one be created.
    public func writer(at time: Int64) throws(CaptureError) -> CaptureWriter {
        if isClosed { throw CaptureError(.closed, file: path, "the capture is closed") }
        if let current, let rotation, current.packetCount > 0 {
            let isLong = rotation.bytesMax.map { current.byteCount >= $0 } ?? false
            if isLong || deadline.map({ time >= $0 }) ?? false { try finishFile() }
        }
        let writer: CaptureWriter
        if let current { writer = current } else { writer = try CaptureWriter(path: path, interface: interface) }
        current = writer
        if let rotation, firstTime == nil {
            firstTime = time
            deadline = rotation.interval.map { Self.add($0, to: time) }
        }
        return writer
    }

    /// Writes everything buffered.
    ///
    /// - Throws: ``CaptureError`` with the system's error.
    public func flush() throws(CaptureError) { try current?.flush() }

    /// Completes the last file; a second call does nothing.
    ///
    /// - Parameters:
    ///   - statistics: what is known of the interface, for the end of the last file.
    ///   - time: when, in nanoseconds since the Unix epoch.
    /// - Throws: ``CaptureError`` with the system's error; the last file is not whole then, and keeps its name.
    public func close(_ statistics: CaptureInterfaceStatistics? = nil, at time: Int64 = 0) throws(CaptureError) {
        if isClosed { return }
        isClosed = true
        if let statistics { try current?.write(statistics, at: time) }
        try finishFile()
    }

    private func finishFile() throws(CaptureError) {
        guard let finished = current else { return }
        try finished.close()
        let first = firstTime ?? 0
        firstTime = nil
        if let rotation {
            number += 1
            let name = CaptureRotation.fileName(path, number: number, at: first)
            try rename(to: name)
            files.append(name)
            // One more is being written, unless this was the last.
            let kept = max(1, rotation.filesMax ?? .max) - (isClosed ? 0 : 1)
            // A file that somebody has taken away is as good as removed.
            while files.count > kept { _ = unsafe unlink(files.removeFirst()) }
        } else {
            files = [path]
        }
        finishedPackets += finished.packetCount
        current = nil
    }

    /// Gives the finished file its name, which no file may have.
    private func rename(to name: String) throws(CaptureError) {
        // SAFETY: all are C strings for the length of the calls.
        var failure = unsafe access(name, F_OK) == 0 ? Errno.fileExists : nil
        if failure == nil, unsafe Glibc.rename(path, name) != 0 { failure = Errno(rawValue: errno) }
        if let failure {
            throw CaptureError(.writeFailed, file: name, errno: failure, "cannot rename \(path) to it")
        }
    }

    private static func add(_ interval: Duration, to time: Int64) -> Int64 {
        let (seconds, attoseconds) = interval.components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, sumOverflow) = time.addingReportingOverflow(whole)
        return overflow || sumOverflow ? .max : sum &+ attoseconds / 1_000_000_000
    }
}
