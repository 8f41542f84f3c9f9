import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.*;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.io.network.netty.InboundChannelHandlerFactory;
import org.apache.flink.shaded.netty4.io.netty.channel.*;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.*;
import org.apache.flink.shaded.netty4.io.netty.util.ReferenceCountUtil;
import org.apache.flink.util.ConfigurationException;

/**
 * Guards Flink's REST server: it answers its own pages and local programs, not those of other
 * origins or host names, and changes something only for whoever knows the token of this runtime.
 */
public class Guard extends ChannelInboundHandlerAdapter implements InboundChannelHandlerFactory {
  private String token = "";
  private Set<String> hosts = Set.of();

  @Override
  public int priority() {
    return 0;
  }

  @Override
  public Optional<ChannelHandler> createHandler(
      Configuration settings, Map<String, String> responseHeaders) throws ConfigurationException {
    String file = settings.getString("financial-pipeline.rest-token-file", "");
    String port = settings.getString("rest.port", "");
    Guard guard = new Guard();
    guard.hosts = Set.of("localhost:" + port, "127.0.0.1:" + port);
    try {
      guard.token = "Bearer " + Files.readString(Path.of(file)).strip();
    } catch (IOException absent) {
      throw new ConfigurationException("The token of the REST server is not in " + file, absent);
    }
    return Optional.of(guard);
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (!(message instanceof HttpRequest request) || isAllowed(request)) {
      context.fireChannelRead(message);
      return;
    }
    ReferenceCountUtil.release(message);
    FullHttpResponse refusal =
        new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.FORBIDDEN);
    HttpUtil.setContentLength(refusal, 0);
    context.writeAndFlush(refusal).addListener(ChannelFutureListener.CLOSE);
  }

  private boolean isAllowed(HttpRequest request) {
    HttpHeaders headers = request.headers();
    String host = headers.get("host", ""), given = headers.get("authorization", "");
    if (!hosts.contains(host)) return false;
    if (!headers.get("origin", "http://" + host).equals("http://" + host)) return false;
    // GET of `/jobs/<id>/yarn-cancel` and `yarn-stop` cancels and stops the job, and that of
    // `/jars/<id>/plan` runs the program of an uploaded file to draw its plan.
    String path = new QueryStringDecoder(request.uri()).path();
    boolean changesNothing = Set.of(HttpMethod.GET, HttpMethod.HEAD).contains(request.method())
        && !path.contains("/yarn-") && !path.contains("/jars/");
    return changesNothing || MessageDigest.isEqual(token.getBytes(), given.getBytes());
  }
}
