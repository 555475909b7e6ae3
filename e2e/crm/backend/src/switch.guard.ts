import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';

/** Open to those who know the word in CRM_SWITCH; to nobody where there is none. */
@Injectable()
export class SwitchGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
    const word = process.env.CRM_SWITCH;
    return Boolean(word) && headers['x-crm-switch'] === word;
  }
}
