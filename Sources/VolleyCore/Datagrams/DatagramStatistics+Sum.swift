extension DatagramStatistics {
    /// Adds the counters of another endpoint, as for a total over shards.
    public static func += (left: inout DatagramStatistics, right: DatagramStatistics) {
        for counter in counters { left[keyPath: counter] &+= right[keyPath: counter] }
        left.errors.merge(right.errors, uniquingKeysWith: &+)
        left.addBatchSizes(of: right)
    }

    /// The counters of both together.
    public static func + (left: DatagramStatistics, right: DatagramStatistics) -> DatagramStatistics {
        var sum = left
        sum += right
        return sum
    }

    /// Every plain counter; a test holds this list to be complete.
    static var counters: [WritableKeyPath<DatagramStatistics, UInt64>] {
        [
            \.received, \.bytesReceived, \.receiveBatches, \.trainsReceived, \.trainsSent, \.truncated,
            \.controlTruncated, \.undelivered,
            \.kernelDrops, \.sent, \.bytesSent, \.sendBatches, \.sendBlocked, \.queued, \.overflowDropped,
            \.failedDropped, \.closedDropped, \.abortedDropped, \.refusedDropped,
        ]
    }
}
