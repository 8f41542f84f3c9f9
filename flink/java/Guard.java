import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.io.network.netty.InboundChannelHandlerFactory;
import org.apache.flink.shaded.netty4.io.netty.channel.ChannelFutureListener;
import org.apache.flink.shaded.netty4.io.netty.channel.ChannelHandler;
import org.apache.flink.shaded.netty4.io.netty.channel.ChannelHandlerContext;
import org.apache.flink.shaded.netty4.io.netty.channel.ChannelInboundHandlerAdapter;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.*;
import org.apache.flink.shaded.netty4.io.netty.util.ReferenceCountUtil;
import org.apache.flink.util.ConfigurationException;

/**
 * Guards Flink's REST server: it answers its own pages and local programs, not those of other
 * origins or host names, and changes something only for whoever knows the token of this runtime.
 */
public class Guard implements InboundChannelHandlerFactory {
  static final String TOKEN_FILE = "financial-pipeline.rest-token-file";

  @Override
  public int priority() {
    return 0;
  }

  @Override
  public Optional<ChannelHandler> createHandler(
      Configuration settings, Map<String, String> responseHeaders) throws ConfigurationException {
    String file = settings.getString(TOKEN_FILE, ""), port = settings.getString("rest.port", "");
    try {
      return Optional.of(new Handler("Bearer " + Files.readString(Path.of(file)).strip(),
          Set.of("localhost:" + port, "127.0.0.1:" + port)));
    } catch (IOException absent) {
      throw new ConfigurationException("The token of the REST server is not in " + file, absent);
    }
  }

  static class Handler extends ChannelInboundHandlerAdapter {
    private final byte[] token;
    private final Set<String> hosts;

    Handler(String token, Set<String> hosts) {
      this.token = token.getBytes(StandardCharsets.UTF_8);
      this.hosts = hosts;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      if (message instanceof HttpRequest && !isAllowed((HttpRequest) message)) {
        ReferenceCountUtil.release(message);
        HttpResponse refusal = new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1, HttpResponseStatus.FORBIDDEN);
        refusal.headers().set(HttpHeaderNames.CONTENT_LENGTH, 0);
        context.writeAndFlush(refusal).addListener(ChannelFutureListener.CLOSE);
      } else {
        context.fireChannelRead(message);
      }
    }

    private boolean isAllowed(HttpRequest request) {
      HttpHeaders headers = request.headers();
      String host = headers.get(HttpHeaderNames.HOST), origin = headers.get(HttpHeaderNames.ORIGIN);
      if (host == null || !hosts.contains(host)) return false;
      if (origin != null && !origin.equals("http://" + host)) return false;
      String given = headers.get(HttpHeaderNames.AUTHORIZATION, "");
      return request.method().equals(HttpMethod.GET) || request.method().equals(HttpMethod.HEAD)
          || MessageDigest.isEqual(token, given.getBytes(StandardCharsets.UTF_8));
    }
  }
}
