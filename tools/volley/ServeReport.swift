import SystemPackage
import Volley
import VolleyCore

/// What `volley serve` says at its end.
struct ServeReport: Encodable {
    let received, bytesReceived, receiveBatches, trainsReceived: UInt64
    let truncated, controlTruncated, undelivered, kernelDrops: UInt64
    let sent, bytesSent, sendBatches, trainsSent, sendBlocked, sendsDropped: UInt64
    /// How many batches held 1, 2–3, 4–7, 8–15, 16–31, 32–63, 64 or more datagrams.
    let receiveBatchSizes: [UInt64]
    /// Errors by errno.
    let errors: [String: UInt64]
    /// What each shard received; only when there are several.
    let receivedByShard: [UInt64]?
    /// What was asked of the socket, and what the kernel granted.
    let socketOptions: [SocketOption]
    let seconds, userSeconds, systemSeconds: Double
    /// The most memory the process has held, in bytes.
    let maximumResidentBytes: Int

    /// One socket option.
    struct SocketOption: Encodable {
        let name: String
        let asked: Int
        let granted: Int?
        let advice: String?
    }

    init(_ shards: [DatagramStatistics], _ socket: SocketReport, seconds: Double) {
        let statistics = shards.reduce(into: DatagramStatistics()) { $0 += $1 }
        receivedByShard = shards.count > 1 ? shards.map(\.received) : nil
        received = statistics.received
        bytesReceived = statistics.bytesReceived
        receiveBatches = statistics.receiveBatches
        trainsReceived = statistics.trainsReceived
        truncated = statistics.truncated
        controlTruncated = statistics.controlTruncated
        undelivered = statistics.undelivered
        kernelDrops = statistics.kernelDrops
        sent = statistics.sent
        bytesSent = statistics.bytesSent
        sendBatches = statistics.sendBatches
        trainsSent = statistics.trainsSent
        sendBlocked = statistics.sendBlocked
        sendsDropped = statistics.sendsDropped
        receiveBatchSizes = statistics.receiveBatchSizes
        errors = Dictionary(
            statistics.errors.map { ("\($0.key.rawValue) \($0.key)", $0.value) }, uniquingKeysWith: +)
        socketOptions = socket.options.map {
            SocketOption(name: $0.name, asked: $0.asked, granted: $0.granted, advice: $0.advice)
        }
        self.seconds = seconds
        let usage = ProcessUsage.now()
        userSeconds = usage.userSeconds
        systemSeconds = usage.systemSeconds
        maximumResidentBytes = usage.maximumResidentBytes
    }

    /// The same for a person.
    var lines: [String] {
        var lines = [
            "received \(received) datagrams, \(bytesReceived) bytes in \(receiveBatches) batches"
                + (truncated > 0 ? ", \(truncated) truncated" : ""),
            "sent     \(sent) datagrams, \(bytesSent) bytes in \(sendBatches) batches",
            "dropped  \(trainsReceived > 0 ? "at least " : "")\(kernelDrops) by the kernel before receiving, \(undelivered) undelivered, \(sendsDropped) sends",
        ]
        if let receivedByShard {
            lines.append("shards   received " + receivedByShard.map { "\($0)" }.joined(separator: ", "))
        }
        lines += errors.sorted { $0.key < $1.key }.map { "errors   \($0.value) × errno \($0.key)" }
        lines.append(
            "time     \(seconds.text(2)) s, processor \(userSeconds.text(2)) s user, \(systemSeconds.text(2)) s system")
        return lines
    }
}
