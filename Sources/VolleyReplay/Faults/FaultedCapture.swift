public import VolleyCapture
import VolleyCore
import VolleyWire

/// A capture as it would be if the datagrams for one endpoint had met faults on their way: to be replayed in its place.
///
/// ```swift
/// var reader = try CaptureReader(path: "queries.pcapng")
/// let writer = CaptureWriter(inMemory: .pcapng)
/// let injector = FaultInjector(FaultPlan(seed: 7, receiving: .loss(0.1)))
/// try FaultedCapture.write(&reader, as: .server(port: 53), injector, to: writer)
/// try writer.close()
/// let report = try Replay(bytes: writer.bytes, as: .server(port: 53)).run { DNSResponder(zone) }
/// ```
///
/// A replay does the same on its way, and more: ``ReplayOptions/faults``, ``ReplayOptions/deliveredOutput``. This is for
/// captures that others are to read.
///
/// The file is the test of a run that fails: it brings the same again, without seed and plan. Error numbers are not in
/// it, since a capture cannot hold them.
public enum FaultedCapture {
    /// Reads a capture to its end and writes what becomes of it.
    ///
    /// Datagrams for the endpoint become bare IP packets, with their faults as comments. All other records are copied,
    /// on interfaces of their own link types. Records stay in the order of time; what is late goes between later ones.
    /// A datagram in fragments is such a record, and meets none. A record of an interface never described is left out,
    /// since it could only be described now.
    ///
    /// - Parameters:
    ///   - reader: what is read.
    ///   - role: whose datagrams meet faults.
    ///   - injector: decides.
    ///   - writer: a pcapng writer of ``LinkType/rawIP``; whoever made it closes it.
    /// - Throws: ``CaptureError`` of reading or writing.
    public static func write(
        _ reader: inout CaptureReader, as role: ReplayRole, _ injector: FaultInjector, to writer: CaptureWriter
    ) throws(CaptureError) {
        let stage = FaultStage(injector, recording: writer)
        var interfaces: [LinkType: Int] = [.rawIP: 0]
        var first: Int64?
        var latest = Int64.min
        while let record = try reader.next() {
            // Like the replay's clock, this one does not run backwards.
            if record.hasTimestamp { latest = max(latest, record.timestampNanoseconds) }
            let timestamp = max(0, latest)
            let origin = first ?? timestamp
            first = origin
            let time = MonotonicInstant(nanoseconds: timestamp - origin)
            while stage.next(through: time) != nil {}
            if let failure = stage.writeFailure { throw failure }
            let frame = record.decode()
            if frame.isDelivered, role.isLocal(frame.destination), role.accepts(frame.source) {
                stage.offer(
                    frame.payload(in: record.bytes), from: frame.source, to: frame.destination, at: time,
                    timestamp: WallClockTime(nanosecondsSinceEpoch: timestamp))
                continue
            }
            let linkType = record.linkType
            if linkType == .undescribed { continue }
            if interfaces[linkType] == nil { interfaces[linkType] = try writer.addInterface(linkType: linkType) }
            try writer.write(
                record.bytes, at: timestamp, originalLength: record.originalLength,
                interface: interfaces[linkType] ?? 0, direction: record.direction, comment: record.comment)
        }
        while stage.next(through: MonotonicInstant(nanoseconds: .max)) != nil {}
        if let failure = stage.writeFailure { throw failure }
    }
}
