import { Rocket } from 'lucide-react';
import { msg } from '@/app/i18n';
import { defineScreen } from '@/app/screen';

export default defineScreen({
  routes: [{ path: '/start', load: () => import('./index') }],
  commands: [{ to: '/start', label: msg('Getting started'), icon: Rocket }],
});
